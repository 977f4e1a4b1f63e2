using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>What a family of decoders is called in GGUF files, and what <c>config.json</c> says the same.</summary>
internal abstract class GgufFamily
{
    /// <summary>Names of llama.cpp's modules of a layer as most families have them in Hugging Face's words.</summary>
    protected static IReadOnlyDictionary<string, string> PlainModules { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
        ["nextn.eh_proj"] = "eh_proj",
        ["nextn.enorm"] = "enorm",
        ["nextn.hnorm"] = "hnorm",
        ["nextn.shared_head_norm"] = "shared_head.norm",
    };

    /// <summary>Key of what is added in norms that take the mean away.</summary>
    protected const string LayerNormKey = "attention.layer_norm_epsilon";

    /// <summary><c>general.architecture</c>.</summary>
    public abstract string Architecture { get; }

    /// <summary><c>model_type</c>s that files of this architecture may have been made of, in Hugging Face's words.</summary>
    public abstract IReadOnlyList<string> ModelTypes { get; }

    /// <summary>Rows of queries and keys are stored as neighbours, where Hugging Face has the halves of a head.</summary>
    public virtual bool IsPermuted => false;

    /// <summary>Attention is over latents: the head that the file states is that of the cache.</summary>
    public virtual bool IsLatent => false;

    /// <summary>Key of what is added in norms, and its field in <c>config.json</c>, null where that has none.</summary>
    public virtual (string Key, string? Field) Epsilon => ("attention.layer_norm_rms_epsilon", "rms_norm_eps");

    /// <summary>Base of the frequencies where the file has none: that of transformers' class, as in the checkpoint it is of.</summary>
    public virtual double ClassBase => 10_000;

    /// <summary>Modules of a layer.</summary>
    public virtual IReadOnlyDictionary<string, string> Modules => PlainModules;

    /// <summary>Keys that change what is computed and are honoured; others of the kind are refused.</summary>
    public virtual IReadOnlyCollection<string> Honoured => [];

    /// <summary>What the format has no words for in this family, one sentence each.</summary>
    public virtual IReadOnlyList<string> Notes => [];

    /// <summary>The family makes positions of the file's factors itself; else they divide the frequencies of every layer.</summary>
    public virtual bool ReadsFactors => false;

    /// <summary>A size that the family's files state in another way; null for the plain key.</summary>
    /// <param name="keys">What the file says.</param>
    /// <param name="field">The field in <c>config.json</c>.</param>
    public virtual long? Size(GgufKeys keys, string field) => null;

    /// <summary>Adds to <c>config.json</c> what is the family's own, its <c>model_type</c> among it.</summary>
    /// <param name="source">What the file says.</param>
    /// <param name="config">Has the sizes already.</param>
    public abstract void Complete(GgufSource source, JsonObject config);

    /// <summary>Tensors of one number that the file has among its metadata, by Hugging Face's names.</summary>
    /// <param name="metadata">All metadata.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="path">Named in messages.</param>
    /// <exception cref="InvalidDataException">They are missing or too few; the message names the key.</exception>
    public virtual IEnumerable<GgufNumber> Numbers(IReadOnlyDictionary<string, object> metadata, int layers, string path) => [];

    /// <summary>The plain names with some others.</summary>
    protected static IReadOnlyDictionary<string, string> With(params IReadOnlyList<(string Module, string Name)> others)
    {
        var modules = new Dictionary<string, string>(PlainModules, StringComparer.Ordinal);
        foreach (var (module, name) in others)
            modules[module] = name;
        return modules;
    }
}
