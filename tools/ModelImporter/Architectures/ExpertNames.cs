namespace Parley.ModelImporter.Architectures;

/// <summary>What a family calls the parts of a mixture of experts.</summary>
internal sealed record ExpertNames
{
    /// <summary>The router.</summary>
    public string Router { get; init; } = "mlp.gate";

    /// <summary>What is added to its scores for the choice.</summary>
    public string Correction { get; init; } = "mlp.gate.e_score_correction_bias";

    /// <summary>The experts; each has its number behind that, or all lie in one tensor.</summary>
    public string Experts { get; init; } = "mlp.experts";

    public string Gate { get; init; } = "gate_proj";

    public string Up { get; init; } = "up_proj";

    public string Down { get; init; } = "down_proj";

    /// <summary>Gate and up of the MLP that every token goes through.</summary>
    public IReadOnlyList<string> SharedGateUp { get; init; } = ["mlp.shared_experts.gate_proj", "mlp.shared_experts.up_proj"];

    /// <summary>One matrix that a checkpoint may have for both; null for none.</summary>
    public string? SharedStack { get; init; }

    /// <summary>The gate of that MLP, where it has one.</summary>
    public string SharedGate { get; init; } = "mlp.shared_expert_gate";

    /// <summary>Factors of the experts.</summary>
    public string Scales { get; init; } = "router.per_expert_scale";

    /// <summary>Weights of the router's own norm.</summary>
    public string RouterNorm { get; init; } = "router.scale";

    /// <summary>Norm before the experts, where they have their own.</summary>
    public string ExpertsNorm { get; init; } = "pre_feedforward_layernorm_2";

    /// <summary>Norm of what they give.</summary>
    public string ExpertsAfterNorm { get; init; } = "post_feedforward_layernorm_2";

    /// <summary>Norm of what the MLP of every token gives.</summary>
    public string SharedAfterNorm { get; init; } = "post_feedforward_layernorm_1";

    public string SharedDown { get; init; } = "mlp.shared_experts.down_proj";

    /// <summary>Matrices of all experts in one tensor are stored [inputs, outputs].</summary>
    public bool IsTransposed { get; init; }

    /// <summary>Rows of gate and up in one tensor take turns.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>Tensors that may hold all experts of a layer, in transformers' words and as GGUF files have them.</summary>
    /// <param name="layer">Prefix of the layer.</param>
    public IReadOnlyList<ExpertStack> Stacks(string layer)
    {
        var experts = $"{layer}.{Experts}";
        return
        [
            new($"{experts}.gate_up_proj", ExpertPart.GateUp) { IsTransposed = IsTransposed, IsInterleaved = IsInterleaved },
            new($"{experts}.gate_up_proj_bias", ExpertPart.GateUp) { IsBias = true, IsInterleaved = IsInterleaved },
            new($"{experts}.down_proj", ExpertPart.Down) { IsTransposed = IsTransposed },
            new($"{experts}.down_proj_bias", ExpertPart.Down) { IsBias = true },
            .. Gguf("gate_up_exps", ExpertPart.GateUp), .. Gguf("gate_exps", ExpertPart.Gate), .. Gguf("up_exps", ExpertPart.Up),
            .. Gguf("down_exps", ExpertPart.Down),
        ];

        ExpertStack[] Gguf(string name, ExpertPart part) =>
            [new($"{experts}.{name}.weight", part), new($"{experts}.{name}.bias", part) { IsBias = true }];
    }
}
