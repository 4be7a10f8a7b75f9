"""How things travel: the only place under ``adapters`` that touches the world."""
