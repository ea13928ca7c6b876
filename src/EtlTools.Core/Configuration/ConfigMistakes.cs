namespace EtlTools.Core.Configuration;

/// <summary>Collects everything that is wrong with a configuration file, so that an admin sees it all at once.</summary>
internal sealed class ConfigMistakes
{
    private readonly List<ConfigMistake> _mistakes = [];

    /// <summary>As they were found.</summary>
    public IReadOnlyList<ConfigMistake> All => _mistakes;

    public int Count => _mistakes.Count;

    /// <param name="node">Where it stands.</param>
    /// <param name="message">What is wrong; it repeats names and settings, never a password.</param>
    /// <param name="expected">What was expected, as the end of "expected ...".</param>
    /// <param name="suggestion">What was probably meant.</param>
    public void Add(ConfigNode node, string message, string expected, string? suggestion = null) =>
        Add(node.Path, node.Line, message, expected, suggestion);

    public void Add(string path, int line, string message, string expected, string? suggestion = null)
    {
        var mistake = new ConfigMistake(path, line, message, expected, suggestion);
        if (!_mistakes.Contains(mistake))
        {
            _mistakes.Add(mistake);
        }
    }

    /// <exception cref="EtlException">With every mistake on a line of its own, in the order of the file.</exception>
    public void ThrowIfAny(string errorId, string target)
    {
        if (_mistakes.Count == 0)
        {
            return;
        }

        var lines = _mistakes.OrderBy(mistake => mistake.Path == target ? 0 : 1).ThenBy(mistake => mistake.Path, StringComparer.Ordinal)
            .ThenBy(mistake => mistake.Line).Select(mistake => mistake.Text);
        throw new EtlException(
            EtlErrorKind.Configuration,
            errorId,
            string.Join("\n", lines),
            target,
            _mistakes.Count == 1 ? "Correct the line." : $"Correct the {_mistakes.Count} lines.");
    }
}

/// <param name="Path">The file.</param>
/// <param name="Line">1-based.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Expected">As the end of "expected ...".</param>
/// <param name="Suggestion">What was probably meant; null where nobody can tell.</param>
internal sealed record ConfigMistake(string Path, int Line, string Message, string Expected, string? Suggestion)
{
    public string Text => $"{Path}:{Line}: {Message}; expected {Expected}{(Suggestion is null ? "" : $"; did you mean '{Suggestion}'?")}";
}
