"""The application: settings from every source, the wiring of commands, the command line."""
