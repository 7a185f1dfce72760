"""Plans become effects here: claimed, journaled, resumable, undoable. It knows no step by name."""
