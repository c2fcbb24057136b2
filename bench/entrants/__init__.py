"""Other AutoML systems that run beside the models, each as a command in a virtual environment of its own."""
