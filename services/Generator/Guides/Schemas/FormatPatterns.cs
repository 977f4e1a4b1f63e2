namespace Parley.Generator.Guides.Schemas;

/// <summary>Formats as regular expressions over the whole text, put together from the grammars of their specifications.</summary>
internal static class FormatPatterns
{
    private const string Hex = "[0-9A-Fa-f]";

    // Years that have a 29 February: those that 4 divides, but not 100, unless 400 does.
    private const string LeapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";

    /// <summary>RFC 3339, full-date.</summary>
    public const string Date =
        "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|"
        + LeapYear + "-02-29";

    private const string Seconds = "[0-9]+S";
    private const string Minutes = $"[0-9]+M(?:{Seconds})?";
    private const string Hours = $"[0-9]+H(?:{Minutes})?";
    private const string DayTime = $"T(?:{Hours}|{Minutes}|{Seconds})";
    private const string Days = "[0-9]+D";
    private const string Months = $"[0-9]+M(?:{Days})?";
    private const string Years = $"[0-9]+Y(?:{Months})?";

    /// <summary>RFC 3339, appendix A, duration.</summary>
    public const string Duration = $"P(?:(?:{Days}|{Months}|{Years})(?:{DayTime})?|{DayTime}|[0-9]+W)";

    private const string Octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

    /// <summary>RFC 2673, section 3.2, dotted-quad.</summary>
    public const string Ipv4 = $@"{Octet}(?:\.{Octet}){{3}}";

    private const string Group = Hex + "{1,4}";
    private const string LastGroups = $"(?:{Group}:{Group}|{Ipv4})";

    /// <summary>RFC 4291, section 2.2, without a zone.</summary>
    public const string Ipv6 =
        $"(?:(?:{Group}:){{6}}{LastGroups}|::(?:{Group}:){{5}}{LastGroups}|(?:{Group})?::(?:{Group}:){{4}}{LastGroups}"
        + $"|(?:(?:{Group}:){{0,1}}{Group})?::(?:{Group}:){{3}}{LastGroups}|(?:(?:{Group}:){{0,2}}{Group})?::(?:{Group}:){{2}}{LastGroups}"
        + $"|(?:(?:{Group}:){{0,3}}{Group})?::{Group}:{LastGroups}|(?:(?:{Group}:){{0,4}}{Group})?::{LastGroups}"
        + $"|(?:(?:{Group}:){{0,5}}{Group})?::{Group}|(?:(?:{Group}:){{0,6}}{Group})?::)";

    private const string Alphanumeric = "[A-Za-z0-9]";
    private const string Inner = "[A-Za-z0-9-]";

    // 1 to 63 characters, no hyphen at an end, and not the prefix of punycode, whose validity no automaton of this kind can tell.
    private const string Label =
        $"(?:[A-WYZa-wyz0-9](?:{Inner}{{0,61}}{Alphanumeric})?"
        + $"|[Xx](?:{Alphanumeric}|[A-MO-Za-mo-z0-9-]{Inner}{{0,60}}{Alphanumeric}|[Nn]"
        + $"(?:{Alphanumeric}|{Alphanumeric}{Inner}{{0,59}}{Alphanumeric}"
        + $"|-(?:{Alphanumeric}|{Alphanumeric}{Inner}{{0,58}}{Alphanumeric})))?)";

    /// <summary>RFC 1123, section 2.1, without labels that are encoded.</summary>
    public const string Host = $@"{Label}(?:\.{Label})*";

    private const string MailAtom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    private const string MailQuoted = """
        "(?:[ !#-\[\]-~]|\\[ -~])*"
        """;

    private const string MailLabel = $"{Alphanumeric}(?:{Inner}{{0,61}}{Alphanumeric})?";
    private const string MailHost = $@"(?:{MailLabel}(?:\.{MailLabel})*|\[{Ipv4}\]|\[IPv6:{Ipv6}\])";

    /// <summary>RFC 5321, section 4.1.2, Mailbox.</summary>
    public const string Email = $@"(?:{MailAtom}(?:\.{MailAtom})*|{MailQuoted})@{MailHost}";

    private const string InternationalAtom = @"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+";
    private const string InternationalQuoted = """
        "(?:[ !#-\[\]-~\u0080-\u{10ffff}]|\\[ -~])*"
        """;

    private const string InternationalEnd = @"[A-Za-z0-9\u0080-\u{10ffff}]";
    private const string InternationalLabel = $@"{InternationalEnd}(?:[A-Za-z0-9\u0080-\u{{10ffff}}-]{{0,61}}{InternationalEnd})?";

    /// <summary>RFC 6531, section 3.3.</summary>
    public const string InternationalEmail =
        $@"(?:{InternationalAtom}(?:\.{InternationalAtom})*|{InternationalQuoted})@"
        + $@"(?:{InternationalLabel}(?:\.{InternationalLabel})*|\[{Ipv4}\]|\[IPv6:{Ipv6}\])";

    private const string Encoded = $"%{Hex}{{2}}";
    private const string Scheme = "[A-Za-z][A-Za-z0-9+.-]*";
    private const string IpLiteral = $@"\[(?:{Ipv6}|[vV]{Hex}+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]";

    private const string UserChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{Encoded})";
    private const string NameChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=-]|{Encoded})";
    private const string PathChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{Encoded})";
    private const string PathCharNoColon = $"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{Encoded})";
    private const string QueryChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|{Encoded})";

    private const string Hierarchy =
        $"(?://(?:{UserChar}*@)?(?:{IpLiteral}|{NameChar}*)(?::[0-9]*)?(?:/{PathChar}*)*|/(?:{PathChar}+(?:/{PathChar}*)*)?";

    private const string Ending = $@"(?:\?{QueryChar}*)?(?:#{QueryChar}*)?";

    /// <summary>RFC 3986, URI.</summary>
    public const string Uri = $"{Scheme}:(?:{Hierarchy}|{PathChar}+(?:/{PathChar}*)*))?{Ending}";

    /// <summary>RFC 3986, URI-reference.</summary>
    public const string UriReference = $"(?:{Uri}|(?:{Hierarchy}|{PathCharNoColon}+(?:/{PathChar}*)*))?{Ending})";

    private const string Ucs = @"\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\u{10000}-\u{1fffd}\u{20000}-\u{2fffd}\u{30000}-\u{3fffd}"
        + @"\u{40000}-\u{4fffd}\u{50000}-\u{5fffd}\u{60000}-\u{6fffd}\u{70000}-\u{7fffd}\u{80000}-\u{8fffd}"
        + @"\u{90000}-\u{9fffd}\u{a0000}-\u{afffd}\u{b0000}-\u{bfffd}"
        + @"\u{c0000}-\u{cfffd}\u{d0000}-\u{dfffd}\u{e1000}-\u{efffd}";

    private const string Private = @"\ue000-\uf8ff\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}";
    private const string IriUserChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:{Ucs}-]|{Encoded})";
    private const string IriNameChar = $"(?:[A-Za-z0-9._~!$&'()*+,;={Ucs}-]|{Encoded})";
    private const string IriPathChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@{Ucs}-]|{Encoded})";
    private const string IriPathCharNoColon = $"(?:[A-Za-z0-9._~!$&'()*+,;=@{Ucs}-]|{Encoded})";
    private const string IriQueryChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?{Ucs}{Private}-]|{Encoded})";
    private const string IriFragmentChar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?{Ucs}-]|{Encoded})";

    private const string IriHierarchy =
        $"(?://(?:{IriUserChar}*@)?(?:{IpLiteral}|{IriNameChar}*)(?::[0-9]*)?(?:/{IriPathChar}*)*|/(?:{IriPathChar}+(?:/{IriPathChar}*)*)?";

    private const string IriEnding = $@"(?:\?{IriQueryChar}*)?(?:#{IriFragmentChar}*)?";

    /// <summary>RFC 3987, IRI.</summary>
    public const string Iri = $"{Scheme}:(?:{IriHierarchy}|{IriPathChar}+(?:/{IriPathChar}*)*))?{IriEnding}";

    /// <summary>RFC 3987, IRI-reference.</summary>
    public const string IriReference = $"(?:{Iri}|(?:{IriHierarchy}|{IriPathCharNoColon}+(?:/{IriPathChar}*)*))?{IriEnding})";

    private const string Variable = $@"(?:[A-Za-z0-9_]|{Encoded})(?:\.?(?:[A-Za-z0-9_]|{Encoded}))*(?::[1-9][0-9]{{0,3}}|\*)?";

    /// <summary>RFC 6570, URI-Template.</summary>
    public const string UriTemplate =
        $@"(?:[!#$&'(-;=?-\[\]_a-z~{Ucs}{Private}]|{Encoded}|\{{[+#./;?&=,!@|]?{Variable}(?:,{Variable})*\}})*";

    /// <summary>RFC 6901, section 5.</summary>
    public const string Pointer = "(?:/(?:[^~/]|~[01])*)*";

    /// <summary>draft-handrews-relative-json-pointer-01.</summary>
    public const string RelativePointer = $"(?:0|[1-9][0-9]*)(?:#|{Pointer})";

    /// <summary>RFC 4122.</summary>
    public const string Uuid = $"{Hex}{{8}}-{Hex}{{4}}-{Hex}{{4}}-{Hex}{{4}}-{Hex}{{12}}";

    /// <summary>RFC 4648, section 4, as OpenAPI's byte means it.</summary>
    public const string Base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";

    private const string RegexChar = @"(?:[^\\^$.*+?()\[\]{}|/\n\r\u2028\u2029]|\\[dDwWsStnvfr^$\\.*+?()\[\]{}|/]|\\c[A-Za-z]|\.)";
    private const string RegexClassChar = @"(?:[^\\\]\[^\-&~\n\r]|\\[dDwWsStnvfr^$\\.*+?()\[\]{}|/\-]|a-z|A-Z|0-9|a-f|A-F|0-7|1-9)";
    private const string RegexClass = $@"(?:\[\^?(?:{RegexClassChar}+-?)?\])";
    private const string RegexCount = @"(?:(?:[*+?]|\{(?:0|[1-9][0-9]{0,2})(?:,|,9[0-9]{3})?\})\??)?";
    private const string RegexFlat = $@"(?:(?:{RegexChar}|{RegexClass}){RegexCount}|[$^])*";
    private const string RegexFlats = $@"{RegexFlat}(?:\|{RegexFlat})*";
    private const string RegexNested = $@"(?:(?:{RegexChar}|{RegexClass}|\((?:\?:)?{RegexFlats}\)){RegexCount}|[$^])*";
    private const string RegexNesteds = $@"{RegexNested}(?:\|{RegexNested})*";
    private const string RegexOuter = $@"(?:(?:{RegexChar}|{RegexClass}|\((?:\?(?:[:=!]|<[=!]))?{RegexNesteds}\)){RegexCount}|[$^])*";

    /// <summary>
    /// A part of ECMA-262's patterns: groups nest twice, classes have the usual ranges, and only the first group may have a name.
    /// </summary>
    public const string Regex = $@"(?:\(\?<[A-Za-z_$][A-Za-z0-9_$]*>{RegexNesteds}\))?{RegexOuter}(?:\|{RegexOuter})*";
}
