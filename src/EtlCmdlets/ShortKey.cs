namespace EtlTools.Cmdlets;

/// <summary>
/// A file's key in a column of a view. Of a long one the last folder and the end of the name are kept: by them files of one
/// name in different folders, and extracts of one type, are told apart.
/// </summary>
public static class ShortKey
{
    private const char Left = '\u2026';

    /// <returns>The key, or so many characters of it.</returns>
    public static string Of(string key, int width)
    {
        if (key.Length <= width)
        {
            return key;
        }

        var slash = key.LastIndexOfAny(['/', '\\']);
        var folder = slash <= 0 ? "" : key[(key.LastIndexOfAny(['/', '\\'], slash - 1) + 1)..(slash + 1)];
        var name = key[(slash + 1)..];
        var shown = End(folder, Math.Max(width / 2, width - name.Length));
        return shown + End(name, width - shown.Length);
    }

    private static string End(string text, int width) => text.Length <= width ? text : Left + text[^(width - 1)..];
}
