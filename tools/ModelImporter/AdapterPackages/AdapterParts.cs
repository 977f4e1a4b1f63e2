using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Parley.ModelImporter.Adapters;
using Parley.ModelImporter.Architectures;
using Parley.PackageFormat;

namespace Parley.ModelImporter.AdapterPackages;

/// <summary>Collects what an adapter adds to the nodes of a graph, and writes the matrices.</summary>
/// <param name="path">The adapter's file, for messages.</param>
/// <param name="weights">The base.</param>
/// <param name="graph">Its graph.</param>
/// <param name="headSize">Rows of a head.</param>
internal sealed class AdapterParts(string path, DecoderWeights weights, GraphLinears graph, int headSize)
{
    private readonly ModulePlaces _places = new(weights);
    private readonly List<(LowRankProduct Product, GraphLinear Node, int First, IReadOnlyList<int> Rows)> _parts = [];

    /// <summary>Runs of rows that something is added to.</summary>
    public int Count => _parts.Count;

    /// <summary>Finds the nodes of a module.</summary>
    /// <param name="change">Has a product.</param>
    /// <param name="name">Name of its weight.</param>
    /// <param name="isKnown">Whether the base has one of this name.</param>
    /// <exception cref="InvalidDataException">The base has no such module, or one that nothing can be added to.</exception>
    public void Add(ModuleChange change, string name, bool isKnown)
    {
        var (module, product) = (change.Module, change.Product!);
        var places = _places.Find(name) ?? throw Fault(isKnown
            ? "the package has no linear of its own for it; merge it at import instead (parley import --adapter)"
            : "the base has no such module; the adapter is for another one");
        var (outputs, inputs) = (places.Sum(place => place.Rows.Count), places[0].Linear.StoredInputs);
        if ((product.Outputs, product.Inputs) != (outputs, inputs))
        {
            throw Fault($"its product has the shape [{product.Outputs}, {product.Inputs}], the base's matrix [{outputs}, {inputs}]; the "
                + "adapter is for another base");
        }

        if (product.Rank > AdapterManifest.RankLimit)
            throw Fault($"its rank is {product.Rank}, above the {AdapterManifest.RankLimit} that are served; merge it at import instead");
        foreach (var (linear, first, rows) in places)
        {
            var nodes = graph.Find(linear.Name) ?? throw Fault(
                $"the package computes {linear.Name} in a way that nothing can be added to; import its base as fp32, int8 or int4 with "
                + "Parley's own operators, or merge the adapter at import instead");
            Add(product, nodes, first, rows, outputs => Fault($"nodes of {linear.Name} have {outputs} rows, not {linear.Outputs}"), linear);
        }

        InvalidDataException Fault(string what) => new($"{path}: module {module}: {what}.");
    }

    /// <summary>Writes the matrices.</summary>
    /// <param name="file">The file to write.</param>
    /// <param name="linears">The linears in the order of the graph, with the places of their matrices.</param>
    /// <param name="cancellationToken">Ends it between two parts.</param>
    public PackageFile Write(string file, out IReadOnlyList<AdapterLinear> linears, CancellationToken cancellationToken)
    {
        var found = new SortedDictionary<int, (GraphLinear Node, List<AdapterPart> Parts)>();
        using var stream = File.Create(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var group in _parts.GroupBy(part => part.Product))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var factors = group.Key.Load(headSize);
            foreach (var (product, node, first, rows) in group)
            {
                if (!found.TryGetValue(node.Position, out var entry))
                    found[node.Position] = entry = (node, []);
                var a = Append(Columns(factors, node, product.Inputs));
                var b = Append(Rows(factors, rows));
                entry.Parts.Add(new AdapterPart(first, rows.Count, factors.Rank, a, b));
            }
        }

        stream.Flush(flushToDisk: true);
        linears =
        [
            .. found.Values.Select(entry => new AdapterLinear(
                entry.Node.Node, entry.Node.Inputs, [.. entry.Parts.OrderBy(part => part.Output)])),
        ];
        return new PackageFile(stream.Length, Convert.ToHexStringLower(hash.GetHashAndReset()));

        long Append(float[] values)
        {
            var offset = (stream.Length + AdapterManifest.Alignment - 1) / AdapterManifest.Alignment * AdapterManifest.Alignment;
            Put(new byte[offset - stream.Length]);
            Put(MemoryMarshal.AsBytes(values.AsSpan()));
            return offset;
        }

        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            hash.AppendData(bytes);
        }
    }

    private void Add(
        LowRankProduct product, IReadOnlyList<GraphLinear> nodes, int first, IReadOnlyList<int> rows,
        Func<int, InvalidDataException> fault, LinearWeights linear)
    {
        if (nodes.Sum(node => node.Outputs) != linear.Outputs || nodes.Any(node => node.Inputs < linear.StoredInputs))
            throw fault(nodes.Sum(node => node.Outputs));
        var start = 0;
        foreach (var node in nodes)
        {
            // The rows of the module that this node has.
            var (low, high) = (Math.Max(first, start), Math.Min(first + rows.Count, start + node.Outputs));
            if (low < high)
            {
                _parts.Add((product, node, low - start, [.. rows.Skip(low - first).Take(high - low)]));
            }

            start += node.Outputs;
        }
    }

    /// <summary>Some rows of B.</summary>
    private static float[] Rows(LowRankFactors factors, IReadOnlyList<int> rows)
    {
        var taken = new float[rows.Count * factors.Rank];
        foreach (var (to, row) in rows.Index())
            factors.B.AsSpan(row * factors.Rank, factors.Rank).CopyTo(taken.AsSpan(to * factors.Rank));
        return taken;
    }

    /// <summary>A in the order of a node's inputs, with zeros for those that the package put behind the matrix's own.</summary>
    private static float[] Columns(LowRankFactors factors, GraphLinear node, int inputs)
    {
        var ordered = new float[factors.Rank * node.Inputs];
        for (var r = 0; r < factors.Rank; r++)
        {
            for (var column = 0; column < node.Inputs; column++)
            {
                var own = node.Order?[column] ?? column;
                if (own < inputs)
                    ordered[(r * node.Inputs) + column] = factors.A[(r * inputs) + own];
            }
        }

        return ordered;
    }
}
