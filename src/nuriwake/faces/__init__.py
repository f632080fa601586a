"""What people touch: the command line, the page. Thin, and imported by nobody."""
