"""HTCDS 2.0: IOM's Human Trafficking Case Data Standard as its two Excel templates write it (CC BY 4.0)."""
