using System.Xml.Linq;

namespace EtlTools.TestEnvironment.TestRun;

/// <summary>How many tests passed, failed and were skipped.</summary>
public sealed record TestCounts(int Passed, int Failed, int Skipped)
{
    public static readonly TestCounts None = new(0, 0, 0);

    /// <summary>Those that failed: the name, and where there is one the first line of the message.</summary>
    public IReadOnlyList<string> FailedTests { get; init; } = [];

    public int Total => Passed + Failed + Skipped;

    public static TestCounts operator +(TestCounts left, TestCounts right) =>
        new(left.Passed + right.Passed, left.Failed + right.Failed, left.Skipped + right.Skipped)
        {
            FailedTests = [.. left.FailedTests, .. right.FailedTests],
        };

    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    /// <summary>The results of one runner that wrote a TRX file.</summary>
    public static TestCounts FromTrx(string path)
    {
        var results = XDocument.Load(path).Descendants().Where(element => element.Name.LocalName == "UnitTestResult")
            .ToLookup(element => element.Attribute("outcome")?.Value switch { "Passed" => "Passed", "NotExecuted" => "Skipped", _ => "Failed" });
        return new TestCounts(results["Passed"].Count(), results["Failed"].Count(), results["Skipped"].Count())
        {
            FailedTests = [.. results["Failed"].Select(Describe)],
        };
    }

    private static string Describe(XElement result)
    {
        var name = result.Attribute("testName")?.Value ?? "a test without a name";
        var message = result.Descendants().FirstOrDefault(element => element.Name.LocalName == "Message")?.Value;
        return message is null ? name : $"{name}: {message.Trim().Split('\n')[0].TrimEnd()}";
    }
}
