using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Json;

/// <summary>Counts values: items that must all be different need as many of them as there must be items.</summary>
internal sealed class ValueCount(JsonMachine machine)
{
    private const int LengthMax = 4_096;
    private static readonly byte[] Closing = "}]\""u8.ToArray();

    /// <summary>Whether there are at least so many values that meet a goal.</summary>
    /// <exception cref="GuideException">It takes too long to find out.</exception>
    public bool Reaches(Goal goal, int least)
    {
        var found = 0;
        var trail = new Trail();
        var pending = new Stack<(Place Place, int Length, byte Last)>();
        pending.Push((new Place(goal.Value, null), 0, 0));
        while (found < least && pending.TryPop(out var at))
        {
            trail.Length = Math.Max(0, at.Length - 1);
            if (at.Length > 0)
                trail.Add(at.Last);
            if (machine.MayEnd(at.Place) && ++found == least)
                break;
            if (at.Length == LengthMax)
                throw new GuideException("",
                    "the guide is too complex: whether there are enough different items takes too long to find out");

            // What closes goes on top of the stack, so that values end before they grow.
            for (var value = 255; value >= 0; value--)
            {
                if (!Closing.Contains((byte)value))
                    Push(at.Place, (byte)value, trail, pending);
            }

            foreach (var value in Closing)
                Push(at.Place, value, trail, pending);
        }

        return found >= least;
    }

    private void Push(Place from, byte next, Trail trail, Stack<(Place Place, int Length, byte Last)> pending)
    {
        machine.CountStep();
        if (machine.TryStep(from, next, trail, out var after) && machine.IsLive(after))
            pending.Push((after, trail.Length + 1, next));
    }
}
