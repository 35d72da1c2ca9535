"""Arguments that several commands take, and their other spellings."""
