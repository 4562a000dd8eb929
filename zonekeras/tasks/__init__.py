"""Tasks: what is asked of a model, and how its logits become answers and scores.

One module for each task, behind one protocol (`tasks.task`), found by its name
(`tasks.registry`). Nothing here needs Keras: heads are built in `models/`.
"""
