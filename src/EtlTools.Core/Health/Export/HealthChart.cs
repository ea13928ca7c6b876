using System.Globalization;

namespace EtlTools.Core.Health.Export;

/// <summary>Charts whose bars are SVG and whose words are the page's own, so that they stay readable at any width.</summary>
internal static class HealthChart
{
    /// <summary>So many characters fit side by side above the columns of the narrowest chart.</summary>
    private const int MostCharacters = 40;

    /// <summary>A column for each window.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="windows">In the order of time.</param>
    /// <param name="value">The height, and how it is written; null where there is none.</param>
    /// <param name="kind">The colour: ok, bad or lost.</param>
    /// <param name="part">The part of the height that is shown as bad.</param>
    public static Html Columns(
        string title, IReadOnlyList<HealthTrend> windows, Func<HealthTrend, (double? Height, string Text)> value, string kind, Func<HealthTrend, double>? part = null)
    {
        var most = windows.Max(window => value(window).Height ?? 0);
        var scale = most > 0 ? 100 / most : 0;
        var last = windows[^1];
        var labels = MostCharacters / (1 + windows.Max(window => Label(window).Length));
        var every = (windows.Count + labels - 1) / labels;
        var showsValues = windows.Count * windows.Max(window => value(window).Text.Length) <= MostCharacters;
        return Html.Of($"""
            <figure>
            <figcaption>{title}</figcaption>
            <div class="columns" role="img" aria-label="{title}, {windows.Count} windows; in the last one {Spoken(value(last).Text)}">
            {Html.Each(windows.Index(), window => Column(window.Item, isLabelled: (windows.Count - 1 - window.Index) % every == 0))}
            </div>
            </figure>

            """);

        Html Column(HealthTrend window, bool isLabelled)
        {
            var (height, text) = value(window);
            var full = (height ?? 0) * scale;
            var bad = Math.Min(full, (part?.Invoke(window) ?? 0) * scale);
            return Html.Of($"""
                <div class="{(window.IsCurrent ? "column current" : "column")}" title="{Label(window)}: {Spoken(text)}"><span class="value">{(showsValues || window.IsCurrent ? text : "")}</span><svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true"><rect class="{kind}" x="1" width="8" y="{Number(100 - full)}" height="{Number(full - bad)}"/><rect class="bad" x="1" width="8" y="{Number(100 - bad)}" height="{Number(bad)}"/></svg><span class="label">{(isLabelled ? Label(window) : "")}</span></div>

                """);
        }

        // A window bears the name of its end.
        string Label(HealthTrend window) => window.IsCurrent
            ? "now"
            : window.To.ToString(
                last.To - last.From >= TimeSpan.FromHours(20) ? "MMM d" : windows[0].To.Date == last.To.Date ? "HH:mm" : "MMM d HH:mm",
                CultureInfo.InvariantCulture);
    }

    /// <summary>A bar for each name.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="items">Name, length, and how it is written.</param>
    /// <param name="full">The length of a bar that goes all the way.</param>
    /// <param name="kind">The colour: ok, bad or lost.</param>
    public static Html Bars(string title, IEnumerable<(string Name, double Value, string Text)> items, double full, string kind) => Html.Of($"""
        <figure>
        <figcaption id="{Id(title)}">{title}</figcaption>
        <table class="bars" aria-labelledby="{Id(title)}">
        {Html.Each(items, item => Html.Of($"""
            <tr><th scope="row">{item.Name}</th><td><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="10"/><rect class="{kind}" width="{Number(full > 0 ? 100 * item.Value / full : 0)}" height="10"/></svg></td><td class="number">{item.Text}</td></tr>

            """))}
        </table>
        </figure>

        """);

    private static string Spoken(string text) => text.Length == 0 ? "nothing" : text;

    private static string Id(string title) => string.Concat(title.Where(char.IsAsciiLetter)).ToLowerInvariant();

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);
}
