using System.Globalization;
using System.Net;

namespace EtlTools.Core.Health.Export;

/// <summary>A piece of a page. Whatever is put into one is escaped, unless it is a piece itself.</summary>
internal sealed record Html(string Text)
{
    public static readonly Html Nothing = new("");

    public static Html Of(FormattableString markup) => new(string.Format(
        CultureInfo.InvariantCulture, markup.Format, markup.GetArguments().Select(Escape).ToArray<object>()));

    public static Html Each<T>(IEnumerable<T> items, Func<T, Html> piece) => new(string.Concat(items.Select(item => piece(item).Text)));

    public static Html When(bool condition, Func<Html> piece) => condition ? piece() : Nothing;

    private static string Escape(object? value) => value is Html piece
        ? piece.Text
        : WebUtility.HtmlEncode(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
}
