using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides;

/// <summary>A point of a text that a matcher can go back to.</summary>
internal readonly record struct GuideMark(Place Place, int Length);
