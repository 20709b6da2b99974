"""What a person types. Thin: options are read, statements are split, the engine is asked, views show it."""
