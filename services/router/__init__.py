"""The router: folds each case, decides who must hear of an event, and writes down why."""
