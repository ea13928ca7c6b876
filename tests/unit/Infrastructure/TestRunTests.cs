using EtlTools.TestEnvironment.TestRun;

namespace EtlTools.Tests.Infrastructure;

public sealed class TestRunTests
{
    [Fact]
    public void Options_are_read_and_nonsense_is_refused()
    {
        Assert.Equal(new TestOptions { Filter = "Undo", UnitOnly = true }, TestOptions.Parse(["--filter", "Undo", "--unit-only"]));
        Assert.Equal(new TestOptions(), TestOptions.Parse([]));
        Assert.Null(TestOptions.Parse(["--filter"]));
        Assert.Null(TestOptions.Parse(["--unit-only", "--pester-only"]));
        Assert.Null(TestOptions.Parse(["--quick"]));
    }

    [Fact]
    public void A_result_that_is_neither_passed_nor_skipped_is_a_failure()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """
                <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
                  <UnitTestResult outcome="Passed" /><UnitTestResult outcome="Passed" /><UnitTestResult outcome="NotExecuted" />
                  <UnitTestResult outcome="Failed" testName="Adds"><Output><ErrorInfo><Message>one is not two
                    at all</Message></ErrorInfo></Output></UnitTestResult>
                  <UnitTestResult outcome="Aborted" testName="Hangs" /><UnitTestResult />
                </Results></TestRun>
                """);

            var counts = TestCounts.None + TestCounts.FromTrx(path);
            Assert.Equal("2 passed, 3 failed, 1 skipped", counts.ToString());
            Assert.Equal(["Adds: one is not two", "Hangs", "a test without a name"], counts.FailedTests);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
