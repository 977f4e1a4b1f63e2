namespace Parley.TokenizerFormat;

/// <summary>A token that is found in the text before the model sees it, e.g. <c>&lt;|eot_id|&gt;</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">What the text must read.</param>
/// <param name="Special">Left out of decoded text when special tokens are skipped, and never recognised in a user's text.</param>
/// <param name="SingleWord">Only where no word character touches it.</param>
/// <param name="StripLeft">Takes the white space before it.</param>
/// <param name="StripRight">Takes the white space after it.</param>
/// <param name="Normalized">Searched in the normalized text instead of the raw one.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized);
