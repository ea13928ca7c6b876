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
                  <UnitTestResult outcome="Failed" /><UnitTestResult outcome="Aborted" /><UnitTestResult />
                </Results></TestRun>
                """);

            Assert.Equal("2 passed, 3 failed, 1 skipped", TestCounts.FromTrx(path).ToString());
        }
        finally
        {
            File.Delete(path);
        }
    }
}
