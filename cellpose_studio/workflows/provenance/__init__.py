"""How masks were made: records, recipes and replays."""
