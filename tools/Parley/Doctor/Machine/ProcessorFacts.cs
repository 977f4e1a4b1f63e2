using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Parley.Cli.Bench;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Cli.Doctor.Machine;

/// <summary>What the processor has, what the system lets programs use of it, and what the Generator's kernels use.</summary>
/// <param name="Name">Vendor's name and family.</param>
/// <param name="HasAvx512">The processor has the instructions that our AVX-512 kernels need.</param>
/// <param name="SavesAvx512">The system keeps their registers when it changes between programs, so that they may be used.</param>
/// <param name="HasAvx2">The processor has AVX2 and FMA.</param>
/// <param name="IsX64">Whether it is an x86-64.</param>
/// <param name="Attention">Instruction set of the attention's kernel, as the Generator chooses it.</param>
/// <param name="Linears">That of the linears' kernel.</param>
/// <param name="MultipliesBytesExactly">Whether ONNX Runtime's 8-bit products do not saturate, which <c>w8a8</c> needs.</param>
internal sealed record ProcessorFacts(
    string Name, bool HasAvx512, bool SavesAvx512, bool HasAvx2, bool IsX64, string Attention, string Linears, bool MultipliesBytesExactly)
{
    private const int Features = 7;
    private const int SavedStates = 0xD;
    private const int UpperVectorHalves = 7;

    public static ProcessorFacts Read()
    {
        var machine = MachineFacts.Read();
        // A runtime that was told to use no instruction sets does not let CPUID be asked, either; the system's own list is shorter.
        var (has512, saves512, has2) = X86Base.IsSupported
            ? ReadX64() : (machine.Features.Contains("avx512bw"), machine.Features.Contains("avx512bw"), machine.Features.Contains("avx2"));
        return new ProcessorFacts(
            machine.Processor, has512, saves512, has2, RuntimeInformation.ProcessArchitecture == Architecture.X64,
            PagedAttentionKernel.BestName, QuantizedLinearKernel.Best.Name, IntegerProductSelfTest.IsExact);
    }

    /// <summary>
    /// CPUID says what the processor has, whatever the system makes of it. Leaf 0xD gives the bytes that the enabled states (XCR0) take
    /// to save, and where the last of AVX-512's states would lie among them: it is enabled where the area reaches that far.
    /// </summary>
    private static (bool Has512, bool Saves512, bool Has2) ReadX64()
    {
        if (X86Base.CpuId(0, 0).Eax < SavedStates)
            return default;
        var features = X86Base.CpuId(Features, 0).Ebx;
        var area = (uint)X86Base.CpuId(SavedStates, 0).Ebx;
        var (bytes, offset, _, _) = X86Base.CpuId(SavedStates, UpperVectorHalves);
        const int avx2 = 1 << 5, avx512F = 1 << 16, avx512Bw = 1 << 30;
        var saves = bytes > 0 && area >= (uint)(offset + bytes);
        return ((features & avx512F) != 0 && (features & avx512Bw) != 0, saves, (features & avx2) != 0);
    }
}
