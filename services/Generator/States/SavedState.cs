namespace Parley.Generator.States;

/// <summary>A slot that a step writes for a sequence.</summary>
/// <param name="Length">Tokens of the sequence that its state is behind.</param>
/// <param name="Slot">The slot, with a reference of its own.</param>
/// <param name="IsSnapshot">It is kept beside the block that ends there.</param>
internal readonly record struct SavedState(int Length, int Slot, bool IsSnapshot);
