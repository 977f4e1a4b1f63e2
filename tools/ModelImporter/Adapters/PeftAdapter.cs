using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>Adapters as peft saves them: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
internal static class PeftAdapter
{
    private const string WeightsName = "adapter_model.safetensors";
    private const string PickledName = "adapter_model.bin";

    /// <summary>Opens a folder.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Adapter.Open"/>.</exception>
    public static Adapter Open(string folder)
    {
        var (config, weights) = (Path.Combine(folder, AdapterConfig.FileName), Path.Combine(folder, WeightsName));
        if (!SourceFile.Exists(config))
            throw new InvalidDataException($"{config} is missing; the folder is no adapter of peft's.");
        if (!SourceFile.Exists(weights))
        {
            var way = SourceFile.Exists(Path.Combine(folder, PickledName))
                ? $"{PickledName} is pickled, and to read a pickle is to run the code in it: save the adapter anew with peft"
                : "an adapter has its weights there";
            throw new InvalidDataException($"{weights} is missing; {way}.");
        }

        var settings = AdapterConfig.Open(config);
        var file = new SafetensorsFile(weights);
        try
        {
            return new Adapter(folder, file)
            {
                Files = [(AdapterConfig.FileName, config), (WeightsName, weights)],
                Changes = Read(file, settings),
                ChangesTied = settings.TiesEmbeddings,
                Notes = settings.Notes,
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static List<ModuleChange> Read(SafetensorsFile file, AdapterConfig config)
    {
        var modules = new SortedDictionary<string, Dictionary<PeftRole, TensorSource>>(StringComparer.Ordinal);
        string? adapter = null;
        foreach (var tensor in file.Tensors)
        {
            var key = PeftKey.Parse(tensor.Name)
                ?? throw new InvalidDataException($"{file.Path}: tensor {tensor.Name} is none that a LoRA adapter has.");
            if (key.Role == PeftRole.Original)
                continue;
            if (key.Adapter is { } name && name != (adapter ??= name))
                throw new InvalidDataException($"{file.Path}: it holds several adapters, {adapter} and {name}; save one of them.");
            if (!modules.TryGetValue(key.Module, out var roles))
                modules[key.Module] = roles = [];
            if (!roles.TryAdd(key.Role, new StoredSource(file, tensor)))
                throw new InvalidDataException($"{file.Path}: tensors {tensor.Name} and {roles[key.Role].StoredName} mean the same.");
        }

        if (modules.Count is 0 or > Adapter.ModulesMax)
            throw new InvalidDataException($"{file.Path}: it holds weights of {modules.Count} modules, not 1 to {Adapter.ModulesMax}.");
        foreach (var saved in config.Saved)
        {
            if (!modules.Keys.Any(module => $".{module}.".Contains($".{saved}.", StringComparison.Ordinal)))
                throw new InvalidDataException($"{config.Path}: modules_to_save names {saved}, of which {WeightsName} has no weights.");
        }

        return [.. modules.Select(module => Read(file, config, module.Key, module.Value))];
    }

    private static ModuleChange Read(
        SafetensorsFile file, AdapterConfig config, string module, Dictionary<PeftRole, TensorSource> roles)
    {
        var product = Pair(PeftRole.A, PeftRole.B, FactorOrder.Linear)
            ?? Pair(PeftRole.EmbeddingA, PeftRole.EmbeddingB, FactorOrder.Embedding);
        var change = new ModuleChange(module)
        {
            Product = product,
            Magnitude = roles.GetValueOrDefault(PeftRole.Magnitude),
            BiasUpdate = roles.GetValueOrDefault(PeftRole.BiasUpdate),
            Weight = roles.GetValueOrDefault(PeftRole.Weight),
            Bias = roles.GetValueOrDefault(PeftRole.Bias),
        };
        foreach (var source in roles.Values)
            source.Check();
        if (product is null && (change.Magnitude ?? change.BiasUpdate) is { } alone)
            throw Fault($"{alone.StoredName} stands there without the two factors");
        if (product is not null)
            Check(config, change, product, Fault);
        if (change.Bias is not null && !config.HasBiases && !config.IsSaved(module))
            throw Fault($"{change.Bias.StoredName} is there, but {AdapterConfig.FileName} says that bias is none");
        return change;

        LowRankProduct? Pair(PeftRole a, PeftRole b, FactorOrder order)
        {
            var (first, second) = (roles.GetValueOrDefault(a), roles.GetValueOrDefault(b));
            if (first is null && second is null)
                return null;
            if (first is null || second is null)
                throw Fault($"{(first ?? second)!.StoredName} stands there without the other factor");
            return new LowRankProduct(module, first, second, order).Scaled(config.ScaleOf(module));
        }

        InvalidDataException Fault(string what) => new($"{file.Path}: module {module}: {what}.");
    }

    private static void Check(AdapterConfig config, ModuleChange change, LowRankProduct product, Func<string, InvalidDataException> fault)
    {
        var module = change.Module;
        if (!config.IsTarget(module))
            throw fault($"it has a low-rank product, but is none of the modules that {AdapterConfig.FileName} names");
        if (product.Rank != config.RankOf(module))
            throw fault($"its rank is {product.Rank}, {AdapterConfig.FileName} says {config.RankOf(module)}");
        if (change.Magnitude is null == config.HasMagnitudes)
        {
            throw fault(config.HasMagnitudes
                ? "use_dora is set, but it has no lora_magnitude_vector" : "it has a lora_magnitude_vector, but use_dora is not set");
        }

        if (product.IsEmbedding && change.Magnitude is not null)
            throw fault("a DoRA of an embedding is not read; merge it with peft (merge_and_unload) and import the result");
        if (change.Magnitude is { } magnitude && magnitude.Shape.Aggregate(1L, (a, b) => a * b) != product.Outputs)
            throw fault($"{magnitude.StoredName} has the shape {magnitude.ShapeText}, for {product.Outputs} outputs");
        if (change.BiasUpdate is { } bias && (!config.HasBiasUpdates || bias.Shape.Count != 1 || bias.Shape[0] != product.Outputs))
            throw fault($"{bias.StoredName} {bias.ShapeText} is no bias of {product.Outputs} outputs, or lora_bias is not set");
        if (change.BiasUpdate is null && config.HasBiasUpdates && !product.IsEmbedding)
            throw fault("lora_bias is set, but its second factor has no bias");
    }
}
