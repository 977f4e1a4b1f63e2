using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Which instruction sets the kernels use, and why they are not better.</summary>
internal static class ProcessorCheck
{
    private const string Name = "processor";
    private const string Best = "AVX-512";

    public static IEnumerable<Finding> Of(MachineState state)
    {
        var processor = state.Processor;
        var used = processor.Attention == processor.Linears
            ? $"{processor.Attention} kernels" : $"{processor.Attention} attention, {processor.Linears} linears";
        var fact = $"{processor.Name}: {used}";
        if (processor is { HasAvx512: true, SavesAvx512: false })
        {
            yield return Finding.Warning(
                Name, $"{fact}; the processor has AVX-512, and the system does not save its registers",
                "let the hypervisor or the kernel enable AVX-512 (XCR0); it is faster by a half or more");
        }
        else if (processor.HasAvx512 && (processor.Attention != Best || processor.Linears != Best))
        {
            yield return Finding.Warning(
                Name, $"{fact}; the processor has AVX-512, and the runtime does not use it",
                "look for DOTNET_EnableAVX512… or DOTNET_EnableHWIntrinsic in the environment, and unset it");
        }
        else if (processor is { IsX64: true, HasAvx2: false })
        {
            yield return Finding.Warning(
                Name, $"{fact}; there is no AVX2", "take a machine with AVX2 or better: without it steps are many times slower");
        }
        else if (processor is { IsX64: true, HasAvx2: true } && processor.Linears is not (Best or "AVX-VNNI" or "AVX2"))
        {
            yield return Finding.Warning(
                Name, $"{fact}; the processor has AVX2, and the runtime does not use it",
                "look for DOTNET_EnableAVX… or DOTNET_EnableHWIntrinsic in the environment, and unset it");
        }
        else
        {
            yield return Finding.Ok(Name, fact);
        }

        if (state.Package.Size?.Precision == "w8a8" && !processor.MultipliesBytesExactly)
        {
            yield return Finding.Fault(
                Name, "precision w8a8 needs a processor with VNNI: 8-bit products saturate on this one",
                "import the model with --precision int8 or int4");
        }
    }
}
