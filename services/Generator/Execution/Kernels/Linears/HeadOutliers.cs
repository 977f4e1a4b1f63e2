using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// Finds the inputs that make up most of a row's length. Trained models have some: one of 576 may hold half of it, and with its low codes
/// left out no logit would be known well enough to be passed over.
/// </summary>
internal sealed unsafe class HeadOutliers(QuantizedMatrix matrix, int tileRows)
{
    /// <summary>An octet lies out where it has this many times the mean octet's share.</summary>
    private const float ShareMin = 4;

    private const int OctetsMax = QuantizedHeadStep.OctetsMax;

    private readonly int _octets = matrix.Inputs / 8;
    private readonly int _groups = matrix.Inputs / matrix.Group;
    private readonly float[] _shares = new float[matrix.Inputs / 8];
    private float[] _norms = [];
    private int[] _chosen = [];
    private int[] _chosenCounts = [];
    private float[] _sums = [];

    /// <summary>Chooses octets for each tile of a step; its activations are quantised.</summary>
    public void Find(QuantizedHeadStep* head)
    {
        Reserve(head);
        var step = &head->Linear;
        for (var tile = 0; tile < head->Tiles; tile++)
        {
            var (row, rows) = step->Tile(tile, tileRows);
            _shares.AsSpan().Clear();
            for (var r = row; r < row + rows; r++)
                Measure(step, row, rows, r);
            head->OctetCounts[tile] = Choose(head->Octets + (tile * OctetsMax), rows);
            for (var r = row; r < row + rows; r++)
                TakeOut(head, tile, row, rows, r);
        }
    }

    /// <summary>Chooses no octets.</summary>
    public void FindNone(QuantizedHeadStep* head)
    {
        Reserve(head);
        new Span<int>(head->OctetCounts, head->Tiles).Clear();
    }

    private void Reserve(QuantizedHeadStep* head)
    {
        var step = &head->Linear;
        if (_norms.Length < step->Rows * _octets)
        {
            _norms = new float[step->Rows * _octets];
            _sums = GC.AllocateUninitializedArray<float>(step->Rows * OctetsMax, pinned: true);
            _chosen = GC.AllocateUninitializedArray<int>(step->Rows * OctetsMax, pinned: true);
            _chosenCounts = GC.AllocateUninitializedArray<int>(step->Rows, pinned: true);
        }

        // They are pinned for their lifetime.
        fixed (float* sums = _sums)
            head->OctetSums = sums;
        fixed (int* chosen = _chosen)
            head->Octets = chosen;
        fixed (int* counts = _chosenCounts)
            head->OctetCounts = counts;
    }

    /// <summary>Squared length of a row's quantised activations by group, without the octets of its tile.</summary>
    public void ReadNorms(int row, Span<float> norms)
    {
        var octets = _norms.AsSpan(row * _octets, _octets);
        for (var group = 0; group < _groups; group++)
        {
            var sum = 0f;
            foreach (var norm in octets.Slice(group * (matrix.Group / 8), matrix.Group / 8))
                sum += norm;
            norms[group] = sum;
        }
    }

    /// <summary>Squared lengths of a row's octets, and what part of the row each is.</summary>
    private void Measure(QuantizedLinearStep* step, int first, int rows, int row)
    {
        var activations = step->Activations + ((nint)first * step->Inputs) + (8 * (row - first));
        var parameters = step->Parameters + ((nint)first * _groups * 2) + (2 * (row - first));
        var norms = _norms.AsSpan(row * _octets, _octets);
        var all = 0f;
        for (var octet = 0; octet < _octets; octet++, activations += 8 * rows)
        {
            var scale = parameters[2 * rows * (8 * octet / matrix.Group)];
            var values = Vector256.WidenLower(Vector256.WidenLower(Vector256.CreateScalarUnsafe(*(long*)activations).AsSByte()));
            all += norms[octet] = scale * scale * Vector256.Sum(values * values);
        }

        for (var octet = 0; all > 0 && octet < _octets; octet++)
            _shares[octet] += norms[octet] / all;
    }

    /// <summary>Lists the octets with the largest shares, if they are large.</summary>
    private int Choose(int* chosen, int rows)
    {
        var count = 0;
        while (count < OctetsMax)
        {
            var best = 0;
            for (var octet = 1; octet < _octets; octet++)
            {
                if (_shares[octet] > _shares[best])
                    best = octet;
            }

            if (_shares[best] < ShareMin * rows / _octets)
                break;
            chosen[count++] = best;
            _shares[best] = 0;
        }

        return count;
    }

    private void TakeOut(QuantizedHeadStep* head, int tile, int first, int rows, int row)
    {
        var activations = head->Linear.Activations + ((nint)first * head->Linear.Inputs) + (8 * (row - first));
        for (var i = 0; i < head->OctetCounts[tile]; i++)
        {
            var octet = head->Octets[(tile * OctetsMax) + i];
            _norms[(row * _octets) + octet] = 0;
            var sum = 0;
            for (var j = 0; j < 8; j++)
                sum += activations[((nint)octet * 8 * rows) + j];
            head->OctetSums[(row * OctetsMax) + i] = sum;
        }
    }
}
