namespace Parley.Benchmarks;

/// <summary>A grammar of ours with texts of it, for measurements.</summary>
/// <param name="Name">What it describes.</param>
/// <param name="Grammar">The grammar in Lark's syntax.</param>
/// <param name="Texts">Texts that belong to it.</param>
internal sealed record GrammarCase(string Name, string Grammar, IReadOnlyList<string> Texts)
{
    /// <summary>From finite to nested, from few characters to free text.</summary>
    public static IReadOnlyList<GrammarCase> All { get; } =
    [
        new("expressions",
            """
            start: sum
            sum: product (("+" | "-") product)*
            product: atom (("*" | "/") atom)*
            atom: NUMBER | NAME "(" (sum ("," sum)*)? ")" | NAME | "(" sum ")"
            NUMBER: /[0-9]+(\.[0-9]+)?/
            NAME: /[a-z][a-z0-9_]*/
            """,
            ["1+2*(3-4.25)/max(a,b_2,(7))", "f(g(h(x)))-y*y", string.Join('+', Enumerable.Range(1, 60).Select(i => $"(a{i}*{i})"))]),
        new("expressions, left-recursive",
            """
            start: sum
            sum: product | sum "+" product | sum "-" product
            product: atom | product "*" atom | product "/" atom
            atom: /[0-9]+/ | /[a-z]+/ | "(" sum ")"
            """,
            ["1+2*(3-4)/5", string.Join('+', Enumerable.Range(1, 60).Select(i => $"(a*{i})"))]),
        new("JSON",
            """
            start: value
            value: object | array | STRING | NUMBER | "true" | "false" | "null"
            object: "{" (pair ("," pair)*)? "}"
            pair: STRING ":" value
            array: "[" (value ("," value)*)? "]"
            STRING: /"([^"\\\x00-\x1f]|\\["\\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/
            NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/
            """,
            [
                """{"name":"Ada Lovelace","age":36,"tags":["mathematician","writer"],"address":{"city":"London","lines":["12 St James's Square"]}}""",
                """[1,2.5,-3e7,true,null,{"a":{"b":{"c":{"d":["deep","text with \"quotes\" and \\ in it"]}}}}]""",
            ]),
        new("queries",
            """
            start: "SELECT" WS columns WS "FROM" WS NAME (WS "WHERE" WS condition)? (WS "ORDER BY" WS NAME (WS ("ASC" | "DESC"))?)? ";"
            columns: "*" | column ("," WS? column)*
            column: NAME ("." NAME)? | ("COUNT" | "SUM" | "AVG") "(" NAME ")"
            condition: comparison (WS ("AND" | "OR") WS comparison)*
            comparison: NAME WS? ("=" | "<" | ">" | "<>") WS? (NUMBER | TEXT) | NAME WS "IN" WS "(" NUMBER ("," WS? NUMBER)* ")"
            NAME: /[a-z_][a-z0-9_]*/
            NUMBER: /[0-9]+/
            TEXT: /'[^'\n]*'/
            WS: " "
            """,
            [
                "SELECT name, age FROM people WHERE age > 30 AND city = 'San Francisco' ORDER BY name DESC;",
                "SELECT COUNT(id), p.total FROM purchases WHERE kind IN (1, 2, 3) OR note <> 'an unusually long note about nothing at all';",
            ]),
        new("lines of a list",
            """
            start: (item "\n")+
            item: "- " TEXT (" (" /[1-5]/ " stars)")?
            TEXT: /[^\n()]+/
            """,
            [
                "- The first thing that one should know about language models\n- They are models of language (4 stars)\n",
                string.Concat(Enumerable.Range(1, 20).Select(i => $"- Item number {i} of a list that goes on for a while (3 stars)\n")),
            ]),
        new("program",
            """
            %import common.WS
            %import common.CNAME
            %import common.INT
            %ignore WS
            start: statement+
            statement: "let" CNAME "=" value ";" | "if" "(" value ")" block ("else" block)? | "return" value ";" | value ";"
            block: "{" statement* "}"
            value: term (("==" | "<" | "+" | "-") term)*
            term: INT | CNAME | CNAME "(" (value ("," value)*)? ")" | "(" value ")"
            """,
            [
                "let x = 12;\nif (x < limit(3, y)) {\n    let y = x + 1;\n    show(y);\n} else {\n    return 0;\n}\nreturn x;\n",
                string.Concat(Enumerable.Range(0, 15).Select(i => $"let value_{i} = compute({i}, value_{i} + 1);\nif (value_{i} == {i}) {{ return {i}; }}\n")),
            ]),
    ];
}
