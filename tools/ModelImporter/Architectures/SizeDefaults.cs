namespace Parley.ModelImporter.Architectures;

/// <summary>Sizes of a family where its configuration does not give them: those of transformers' configuration class.</summary>
/// <param name="Layers">num_hidden_layers.</param>
/// <param name="Hidden">hidden_size.</param>
/// <param name="Intermediate">intermediate_size.</param>
/// <param name="Heads">num_attention_heads.</param>
/// <param name="KeyValueHeads">num_key_value_heads; null is as many as heads.</param>
/// <param name="Vocabulary">vocab_size.</param>
/// <param name="Context">max_position_embeddings.</param>
/// <param name="IsTied">tie_word_embeddings.</param>
/// <param name="HeadSize">head_dim; null is the part of hidden_size.</param>
internal sealed record SizeDefaults(
    int Layers, int Hidden, int Intermediate, int Heads, int? KeyValueHeads, int Vocabulary, int Context, bool IsTied = false,
    int? HeadSize = null);
