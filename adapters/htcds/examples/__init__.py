"""A filled workbook of invented people; ``deploy.demo.first_crossing`` builds it."""
