using System.Text.RegularExpressions;
using EtlTools.Core.Health;
using EtlTools.Core.Health.Export;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Health;

public sealed class HealthPageTests
{
    /// <summary>What a person would see at once, asked of the page by itself: what is too wide, too pale, or fetched from elsewhere.</summary>
    private const string Inspection = """
        <script>
        const faults = [];
        const channels = color => color.match(/[\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = element => {
            for (let e = element; e; e = e.parentElement) {
                const c = channels(getComputedStyle(e).backgroundColor);
                if (c.length < 4 || c[3] > 0) return c;
            }
            return [255, 255, 255];
        };
        document.querySelectorAll('details').forEach(d => d.open = true);
        if (document.documentElement.scrollWidth > innerWidth) faults.push('too wide: ' + document.documentElement.scrollWidth);
        if (performance.getEntriesByType('resource').length) faults.push('fetches something');
        const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        let seen = 0;
        while (words.nextNode()) {
            const element = words.currentNode.parentElement;
            if (!words.currentNode.data.trim() || element.tagName === 'SCRIPT') continue;
            seen++;
            const style = getComputedStyle(element);
            const [a, b] = [light(channels(style.color)), light(ground(element))].sort((x, y) => y - x);
            const contrast = (a + 0.05) / (b + 0.05);
            if (contrast < 4.5) faults.push('too pale: ' + contrast.toFixed(1) + ' ' + words.currentNode.data);
            if (parseFloat(style.fontSize) < 11) faults.push('too small: ' + style.fontSize + ' ' + words.currentNode.data);
        }
        document.querySelectorAll('rect:not(.track)').forEach(bar => {
            const [a, b] = [light(channels(getComputedStyle(bar).fill)), light(ground(bar.closest('section')))].sort((x, y) => y - x);
            if ((a + 0.05) / (b + 0.05) < 3) faults.push('bar too pale: ' + bar.className.baseVal);
        });
        document.querySelectorAll('td.number').forEach(cell => {
            if (getComputedStyle(cell).textAlign !== 'right') faults.push('number not at the right: ' + cell.textContent);
        });
        document.querySelectorAll('.columns').forEach(chart => {
            for (const kind of ['.value', '.label']) {
                const boxes = [...chart.querySelectorAll(kind)].filter(box => box.textContent).map(box => box.getBoundingClientRect());
                boxes.slice(1).forEach((box, i) => { if (box.left < boxes[i].right) faults.push('words overlap in a chart'); });
            }
            const widths = [...chart.querySelectorAll('svg')].map(bar => bar.getBoundingClientRect().width);
            if (Math.max(...widths) > 1 + Math.min(...widths)) faults.push('columns of unequal width');
        });
        const ground0 = light(ground(document.body));
        document.body.innerHTML = '<p id="verdict">' + (ground0 > 0.5 ? 'light' : 'dark') + ' ' + (seen > 100 ? 'seen' : 'nothing seen') + ' [' + faults.join('; ') + ']</p>';
        </script>
        """;

    [Fact]
    public void Values_cannot_become_markup()
    {
        var page = HealthPage.Write(Example.Health);

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("practice &lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void It_stands_for_itself()
    {
        var page = HealthPage.Write(Example.Health);

        Assert.DoesNotMatch(new Regex(@"\b(src|href|url|@import)\s*[=(]", RegexOptions.IgnoreCase), page);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.Contains("@media print", page, StringComparison.Ordinal);
        Assert.Equal(Regex.Count(page, "<th[ >]"), Regex.Count(page, "<th scope=\"(col|row)\""));
        Assert.Contains("1,414,191", page, StringComparison.Ordinal);
        Assert.Contains("Find-LostData -Window 24h | Invoke-DataRecovery -WhatIf", page, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_health_is_a_page_too()
    {
        var page = HealthPage.Write(new ProcessingHealth
        {
            Family = [new FamilyHealth { Family = PipelineFamily.Ingestion, Detail = "not in this database" }],
        });

        Assert.Contains("No data", page, StringComparison.Ordinal);
        Assert.Contains("Not in this database", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_nothing_takes_a_line()
    {
        var page = HealthPage.Write(With(windows: 8, TimeSpan.FromDays(1), failed: 0) with
        {
            Family =
            [
                new FamilyHealth { Family = PipelineFamily.Load, IsIncluded = true, Status = HealthStatus.NoData, Detail = "no file came in" },
                new FamilyHealth { Family = PipelineFamily.Ingestion, IsIncluded = true, Status = HealthStatus.Healthy },
            ],
        });

        Assert.Contains("<p>No file came in. Last success: never.</p>", page, StringComparison.Ordinal);
        Assert.Contains("No payload failed, in any of these 8 windows.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Payloads that failed", page, StringComparison.Ordinal);
        Assert.Contains("<figcaption>Metrics missing</figcaption>", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(9_999, "9,999")]
    [InlineData(10_000, "10.0k")]
    [InlineData(34_483, "34.4k")]
    [InlineData(99_999, "99.9k")]
    [InlineData(999_999, "999k")]
    [InlineData(1_000_000, "1.0M")]
    [InlineData(99_999_999, "99.9M")]
    [InlineData(123_456_789, "123M")]
    public void Numbers_above_columns_are_short(long number, string text) => Assert.Equal(text, Words.Short(number));

    [BrowserTheory]
    [InlineData(1200, false, 8, 24)]
    [InlineData(500, true, 30, 24)]
    [InlineData(1200, true, 8, 1)]
    public async Task It_can_be_read_in_a_browser(int width, bool isDark, int windows, int hours)
    {
        var folder = TempFolder.Create();
        var file = Path.Combine(folder, "health.html");
        await File.WriteAllTextAsync(file, HealthPage.Write(With(windows, TimeSpan.FromHours(hours), failed: 1100)).Replace("</body>", Inspection + "</body>", StringComparison.Ordinal));

        var document = await Browser.OpenAsync(file, width, isDark);

        Assert.Contains($"<p id=\"verdict\">{(isDark ? "dark" : "light")} seen []</p>", document, StringComparison.Ordinal);
        TempFolder.Delete(folder);
    }

    private static ProcessingHealth With(int windows, TimeSpan length, long failed) => Example.Health with
    {
        Trend = Enumerable.Range(1, windows).Select(window => new HealthTrend
        {
            Family = PipelineFamily.Ingestion,
            From = Example.Health.To - (length * (windows + 1 - window)),
            To = Example.Health.To - (length * (windows - window)),
            IsCurrent = window == windows,
            Total = 34_000 + window,
            Failed = failed,
            FailureRate = failed / 34_000.0,
            Expected = 1_000_000,
            Missing = 60 * window,
            DataLossRate = 0.00006 * window,
        }).ToList(),
    };
}
