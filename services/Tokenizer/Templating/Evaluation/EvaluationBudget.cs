using System.Runtime.CompilerServices;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Counts what a template does for one chat, so that every template ends, and ends alike on every thread.</summary>
internal sealed class EvaluationBudget(TemplateLimits limits)
{
    private int _steps;
    private int _levels;
    private int _calls;

    public void Step()
    {
        if (++_steps > limits.StepsMax)
            throw TemplateException.Limit("steps", limits.StepsMax);
    }

    /// <summary>A step within another one; <see cref="Leave"/> ends it. After an exception nobody counts on.</summary>
    public void Enter()
    {
        Step();
        if (++_levels > limits.LevelsMax)
            throw TemplateException.Limit("expressions and blocks in each other", limits.LevelsMax);
        // For stacks that are smaller than any that a runtime makes by itself.
        RuntimeHelpers.EnsureSufficientExecutionStack();
    }

    public void Leave() => _levels--;

    /// <summary>A call of a macro or a loop; <see cref="Return"/> ends it.</summary>
    public void Call()
    {
        if (++_calls > limits.DepthMax)
            throw TemplateException.Limit("nested calls", limits.DepthMax);
    }

    public void Return() => _calls--;
}
