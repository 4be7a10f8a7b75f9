"""Primero v2: case management of child protection and GBV programmes, over its JSON API."""
