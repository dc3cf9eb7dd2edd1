"""What the figures of the events app are held against, each as its own documentation has it."""
