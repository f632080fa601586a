"""What a command does, without a terminal: the command line, the page and plugins share it."""
