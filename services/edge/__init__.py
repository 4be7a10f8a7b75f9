"""What runs at (or for) an agency: ``prepare`` seals its documents, ``perform`` opens what it receives."""
