"""The light client: where things are on this machine, the spool, and the HTTP API spoken from here.

No database driver, no message bus; it runs wherever Python does.
"""
