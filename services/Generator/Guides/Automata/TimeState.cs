namespace Parley.Generator.Guides.Automata;

/// <summary>How far a time has been read.</summary>
/// <param name="Place">Index in <c>hh:mm:ss</c> (0 to 7), then 8 behind the seconds, 9 behind the point, 10 in the fraction, 11 to 15 in
/// the offset, 16 at the end; −1 for no time.</param>
/// <param name="Minutes">Minutes of the day, or digits of them.</param>
/// <param name="Leap">The seconds are 60.</param>
/// <param name="Sign">The offset's sign.</param>
/// <param name="Offset">The offset in minutes, or digits of it.</param>
/// <param name="Digit">The digit before, where two make a number.</param>
internal readonly record struct TimeState(int Place, int Minutes, bool Leap, int Sign, int Offset, int Digit);
