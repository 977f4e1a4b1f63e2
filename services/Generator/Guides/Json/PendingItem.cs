using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Json;

/// <summary>An array while one of its items is being written.</summary>
internal sealed class PendingItem(JsonMachine machine, Formula[] owed) : Pending(machine, owed)
{
    protected override JsonState With(Formula[] owed) => Machine.Array(owed).After;
}
