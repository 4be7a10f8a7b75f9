"""Who must hear it and why. Pure: text and values in, values out."""
