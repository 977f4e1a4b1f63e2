namespace Parley.ModelImporter.Architectures;

/// <summary>What a family calls the modules of a layer, as in most of them unless it says otherwise.</summary>
internal sealed record TensorNames
{
    /// <summary>Norm before attention; null for none.</summary>
    public string? AttentionNorm { get; init; } = "input_layernorm";

    /// <summary>Norm of what attention adds; null for none.</summary>
    public string? AttentionAfterNorm { get; init; }

    /// <summary>Norm before the MLP; null for none.</summary>
    public string? MlpNorm { get; init; } = "post_attention_layernorm";

    /// <summary>Norm of what the MLP adds; null for none.</summary>
    public string? MlpAfterNorm { get; init; }

    /// <summary>Norm of the queries, where there is one.</summary>
    public string QueryNorm { get; init; } = "self_attn.q_norm";

    /// <summary>Norm of the keys, where there is one.</summary>
    public string KeyNorm { get; init; } = "self_attn.k_norm";

    /// <summary>Query, key and value are one matrix of this name; null where they are three.</summary>
    public string? PackedQkv { get; init; }

    /// <summary>From the heads back.</summary>
    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>Gate and up: two matrices, one that holds both, or <see cref="Up"/> alone.</summary>
    public IReadOnlyList<string> GateUp { get; init; } = ["mlp.gate_proj", "mlp.up_proj"];

    /// <summary>The first linear of an MLP without a gate; null where there is a gate.</summary>
    public string? Up { get; init; }

    /// <summary>The last linear of the MLP.</summary>
    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>Logits of the heads that have no value, where there are any.</summary>
    public string Sinks { get; init; } = "self_attn.sinks";

    /// <summary>Norm before the head.</summary>
    public string FinalNorm { get; init; } = "norm";

    /// <summary>Modules of layers without attention.</summary>
    public RecurrenceNames Recurrence { get; init; } = new();

    /// <summary>Parts of a mixture of experts.</summary>
    public ExpertNames Experts { get; init; } = new();
}
