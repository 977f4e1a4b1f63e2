using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>Where a machine stands within its part of a text.</summary>
internal readonly record struct EmbeddedPlace(Embedding Embedding, Place Inner);
