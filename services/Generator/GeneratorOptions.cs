using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Parley.Generator.Adapters;
using Parley.Generator.Engine;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Guidance;
using Parley.PackageFormat;

namespace Parley.Generator;

/// <summary>The Generator's settings: section <c>Generator</c>. Every limit of the service is here.</summary>
internal sealed class GeneratorOptions
{
    public const string SectionName = "Generator";

    private const string TextDrafts = "text";
    private const string HeadDrafts = "head";

    /// <summary>The model package, as <c>parley import</c> writes it.</summary>
    /// <value>No default; required.</value>
    [Required(ErrorMessage = "Generator:PackageDirectory is not set; it names the folder that `parley import` wrote.")]
    public string PackageDirectory { get; set; } = "";

    /// <summary>Served name; after a comma follow others that requests may give as well.</summary>
    /// <value>Empty, the default, is the package's own name.</value>
    public string ModelName { get; set; } = "";

    /// <summary>Where steps run.</summary>
    /// <value><c>cpu</c>, the default, or <c>cuda</c>; the package must be of the same.</value>
    [AllowedValues("cpu", "cuda")]
    public string Device { get; set; } = "cpu";

    /// <summary>The GPU, where <see cref="Device"/> is <c>cuda</c>.</summary>
    [ValidateObjectMembers]
    public CudaOptions Cuda { get; set; } = new();

    /// <summary>Threads of a model step.</summary>
    /// <value>0 to 1,024; default 0: one per physical core, as far as the process may use them by affinity and quota.</value>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>
    /// How long a thread of a step looks for work before it sleeps: to wake it costs 15 µs, and a step has some hundred gaps. Between steps
    /// it never spins.
    /// </summary>
    /// <value>Microseconds, 0 to 1,000; default 20, 0 is off.</value>
    [Range(0, 1000)]
    public int SpinMicroseconds { get; set; } = 20;

    /// <summary>Tokens of one step, decode rows and prompt chunks together.</summary>
    /// <value>1 to 65,536; default 512. At least <see cref="RunningSequencesMax"/>.</value>
    [Range(1, 65_536)]
    public int StepTokensMax { get; set; } = 512;

    /// <summary>Prompt tokens of a step in which others decode: bounds the pause between two of their tokens.</summary>
    /// <value>1 to 65,536; default 128.</value>
    [Range(1, 65_536)]
    public int PrefillChunkTokens { get; set; } = 128;

    /// <summary>Sequences that run at once.</summary>
    /// <value>1 to 1,024; default 16.</value>
    [Range(1, 1024)]
    public int RunningSequencesMax { get; set; } = 16;

    /// <summary>Requests that wait to run.</summary>
    /// <value>1 to 65,536; default 256.</value>
    [Range(1, 65_536)]
    public int QueuedRequestsMax { get; set; } = 256;

    /// <summary>Prompt tokens of all requests that wait to run; one request alone may exceed it.</summary>
    /// <value>1 to 2³¹ − 1; default 262,144.</value>
    [Range(1, int.MaxValue)]
    public int QueuedPromptTokensMax { get; set; } = 262_144;

    /// <summary>When a caller who met a full queue may try again.</summary>
    /// <value>1 to 3,600 s; default 2.</value>
    [Range(1, 3600)]
    public int RetryAfterSeconds { get; set; } = 2;

    /// <summary>
    /// Tokens that a step may guess behind a sequence's last one, from the sequence's own text, and verify with it: the most that a request
    /// may ask for. What is said is the same with and without; a sequence whose guesses are wrong stops guessing.
    /// </summary>
    /// <value>0 to 16; default 8. 0 refuses every request for drafts.</value>
    [Range(0, 16)]
    public int DraftTokensMax { get; set; } = 8;

    /// <summary>What a request without draft_tokens means.</summary>
    /// <value>0 to 16, at most <see cref="DraftTokensMax"/>; default 0: what <see cref="FreeDrafts"/> says.</value>
    [Range(0, 16)]
    public int DraftTokensDefault { get; set; }

    /// <summary>
    /// A request without draft_tokens guesses where that costs nothing: our int4 and int8 linears take four tokens of a step at nearly the
    /// price of one (two without AVX-512), so a chat alone guesses three, two guess one each, and from four on none does.
    /// </summary>
    /// <value>Default true; without meaning where <see cref="DraftTokensDefault"/> is set.</value>
    public bool FreeDrafts { get; set; } = true;

    /// <summary>
    /// What drafts are made of beside what a guide leaves no choice about: the sequence's own text, or where there is nothing to quote the
    /// model's own head for further tokens, which the package must have (docs/drafts-by-head.md).
    /// </summary>
    /// <value><c>text</c>, the default, or <c>head</c>, on the CPU only.</value>
    [AllowedValues(TextDrafts, HeadDrafts)]
    public string Drafts { get; set; } = TextDrafts;

    /// <summary>Tokens that the model's own head guesses ahead; fewer where it is less often right.</summary>
    /// <value>1 to 3; default 3. Without meaning unless <see cref="Drafts"/> is <c>head</c>.</value>
    [Range(1, 3)]
    public int HeadDraftTokensMax { get; set; } = 3;

    /// <summary>A request that has waited this long counts as one priority class higher.</summary>
    /// <value>1 to 86,400 s; default 10.</value>
    [Range(1, 86_400)]
    public int PriorityAgingSeconds { get; set; } = 10;

    /// <summary>Positions of one KV block on the CPU; CUDA's follow from the head size.</summary>
    /// <value>A power of two from 16 to 1,024; default 32.</value>
    [Range(16, 1024)]
    public int KvBlockTokens { get; set; } = 32;

    /// <summary>
    /// How keys and values lie in the KV cache on the CPU. Fp16 and Int8 hold two and nearly four times as many tokens in the same memory,
    /// and long contexts are read that much faster; what they cost in exactness is in docs/benchmarks/attention-notes.md.
    /// </summary>
    /// <value>Fp32, Fp16 or Int8; default Fp16.</value>
    [EnumDataType(typeof(KvCachePrecision))]
    public KvCachePrecision KvCachePrecision { get; set; } = KvCachePrecision.Fp16;

    /// <summary>Memory of the KV cache on the CPU; less is taken where all sequences together could not fill it.</summary>
    /// <value>0 to 1,048,576 MB; default 0: 1,024, or what weights, steps and the program leave of the memory that the process may use.
    /// A number that does not fit beside them is refused.</value>
    [Range(0, 1_048_576)]
    public int KvCacheMegabytes { get; set; }

    /// <summary>Most of the memory that the process may use that goes to a KV cache whose size is not set.</summary>
    /// <value>0.01 to 0.95; default 0.5.</value>
    [Range(0.01, 0.95)]
    public double KvCacheMemoryFractionMax { get; set; } = 0.5;

    /// <summary>
    /// Memory of snapshots where the model has states beside keys and values (short convolutions, recurrent layers): from one of them a
    /// later request goes on that begins alike. Each running sequence has its own state beside it.
    /// </summary>
    /// <value>0 to 1,048,576 MB; default 256. 0 keeps none but in slots of sequences that do not run.</value>
    [Range(0, 1_048_576)]
    public int StateSnapshotMegabytes { get; set; } = 256;

    /// <summary>How far snapshots in a prompt are apart, beside those at its end and where another prompt goes apart from it.</summary>
    /// <value>16 to 1,048,576 tokens, a multiple of <see cref="KvBlockTokens"/>; default 512.</value>
    [Range(16, 1_048_576)]
    public int StateSnapshotTokens { get; set; } = 512;

    /// <summary>Prompt and answer of one sequence.</summary>
    /// <value>0, the default, is the model's own context; the cache's size bounds it too.</value>
    [Range(0, int.MaxValue)]
    public int ContextTokensMax { get; set; }

    /// <summary>Tokens of one answer: what an unset max_tokens means, and the cap on a set one.</summary>
    /// <value>1 to 2³¹ − 1; default 4,096.</value>
    [Range(1, int.MaxValue)]
    public int CompletionTokensMax { get; set; } = 4096;

    /// <summary>Tokens that wait for a slow reader before its sequence pauses.</summary>
    /// <value>1 to 65,536; default 256.</value>
    [Range(1, 65_536)]
    public int StreamTokensMax { get; set; } = 256;

    /// <summary>A sequence whose reader makes no room for this long has failed.</summary>
    /// <value>1 to 3,600 s; default 30.</value>
    [Range(1, 3600)]
    public int SlowReaderSeconds { get; set; } = 30;

    /// <summary>A stream on which nothing else goes tells its progress this often.</summary>
    /// <value>1 to 60 s; default 2.</value>
    [Range(1, 60)]
    public int ProgressSeconds { get; set; } = 2;

    /// <summary>Failed steps in a row after which the service is unhealthy.</summary>
    /// <value>1 to 1,000; default 3.</value>
    [Range(1, 1000)]
    public int StepFailuresMax { get; set; } = 3;

    /// <summary>
    /// Steps in a row that choose no token for anybody because the model's logits are not numbers, after which the service is unhealthy.
    /// Each of them fails the sequences that were in it.
    /// </summary>
    /// <value>1 to 1,000; default 8.</value>
    [Range(1, 1000)]
    public int ModelFaultsMax { get; set; } = 8;

    /// <summary>A step that takes longer makes the liveness check fail.</summary>
    /// <value>1 to 3,600 s; default 60.</value>
    [Range(1, 3600)]
    public int StallSeconds { get; set; } = 60;

    /// <summary>Steps that the model runs before it is ready, for at most two seconds.</summary>
    /// <value>0 to 1,000; default 40: the first tier of the just-in-time compiler is behind after some 30.</value>
    [Range(0, 1000)]
    public int WarmUpSteps { get; set; } = 40;

    /// <summary>Most likely tokens that a request may ask for with each token.</summary>
    /// <value>0 to 256; default 20.</value>
    [Range(0, 256)]
    public int TopLogprobsMax { get; set; } = 20;

    /// <summary>Candidates that a request may trace through the stages.</summary>
    /// <value>0 to 256; default 64.</value>
    [Range(0, 256)]
    public int TraceCandidatesMax { get; set; } = 64;

    /// <summary>Ids in each of a request's lists: logit bias, allowed, banned, stop and forced ids, bad words, sequence bias.</summary>
    /// <value>1 to 1,048,576; default 4,096.</value>
    [Range(1, 1_048_576)]
    public int ListedTokenIdsMax { get; set; } = 4096;

    /// <summary>Ids in a request's DRY sequence breakers: a colon alone stands in a thousand tokens of a large vocabulary.</summary>
    /// <value>1 to 1,048,576; default 65,536.</value>
    [Range(1, 1_048_576)]
    public int DryBreakerIdsMax { get; set; } = 65_536;

    /// <summary>Adapters that are served from the start, by name, each the folder that <c>parley adapter</c> wrote.</summary>
    /// <value>None by default; at most <see cref="AdaptersMax"/>.</value>
    public Dictionary<string, string> Adapters { get; set; } = [];

    /// <summary>The folder within which adapters may be loaded while the service runs.</summary>
    /// <value>Empty, the default, allows none.</value>
    public string AdapterDirectory { get; set; } = "";

    /// <summary>Adapters that are served at once.</summary>
    /// <value>1 to 1,024; default 16.</value>
    [Range(1, 1024)]
    public int AdaptersMax { get; set; } = 16;

    /// <summary>
    /// Memory of all adapters, those included that are unloaded and still in use; it counts among what must fit where adapters are named
    /// or may be loaded.
    /// </summary>
    /// <value>2²⁰ to 2⁴⁰ bytes; default 536,870,912.</value>
    [Range(1L << 20, 1L << 40)]
    public long AdapterBytesMax { get; set; } = 512L << 20;

    /// <summary>How the numbers of adapters lie in memory: of those that need 32 bits, Bf16 takes half the memory.</summary>
    /// <value>Exact or Bf16; default Exact.</value>
    [EnumDataType(typeof(AdapterPrecision))]
    public AdapterPrecision AdapterPrecision { get; set; } = AdapterPrecision.Exact;

    /// <summary>Rank of an adapter at most: what it costs grows with it.</summary>
    /// <value>1 to 1,024; default 128.</value>
    [Range(1, AdapterManifest.RankLimit)]
    public int AdapterRankMax { get; set; } = 128;

    /// <summary>What bounds guides, and how they write JSON.</summary>
    [ValidateObjectMembers]
    public GuideOptions Guides { get; set; } = new();

    /// <summary>The name of the answers, then what requests may call the model as well.</summary>
    /// <param name="packageName">The package's own, where none is set.</param>
    public string[] ServedNames(string packageName) =>
        ModelName.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: > 0 } names
            ? [.. names.Distinct()]
            : [packageName];

    /// <summary>Memory that adapters may take; 0 where there will be none.</summary>
    public long ReservedForAdapters() => Adapters.Count > 0 || AdapterDirectory.Length > 0 ? AdapterBytesMax : 0;

    /// <summary>The adapters' part of the settings.</summary>
    public AdapterLimits ToAdapterLimits() => new(AdaptersMax, AdapterBytesMax, AdapterRankMax, AdapterPrecision);

    /// <summary>Whether the model's own head makes drafts.</summary>
    public bool DraftsByHead => Drafts == HeadDrafts;

    /// <summary>A model as it is served: its head for further tokens is nothing where it is not used.</summary>
    public ModelShape Served(ModelShape shape) => DraftsByHead ? shape : shape with { Drafter = null };

    /// <summary>The engine's part of the settings.</summary>
    public EngineLimits ToLimits(int contextTokensMax) => new()
    {
        ContextTokensMax = contextTokensMax,
        StepTokensMax = StepTokensMax,
        PrefillChunkTokens = PrefillChunkTokens,
        RunningSequencesMax = RunningSequencesMax,
        SlowReaderMax = TimeSpan.FromSeconds(SlowReaderSeconds),
        PriorityAging = TimeSpan.FromSeconds(PriorityAgingSeconds),
        StepFailuresMax = StepFailuresMax,
        ModelFaultsMax = ModelFaultsMax,
        DraftTokensMax = DraftTokensMax,
        HeadDraftTokensMax = DraftsByHead ? HeadDraftTokensMax : 0,
        StateSnapshotTokens = StateSnapshotTokens,
    };
}
