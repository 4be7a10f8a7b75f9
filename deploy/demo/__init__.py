"""What the demo and the tests stand up beside Sampan: other people's systems, and a workbook to send."""
