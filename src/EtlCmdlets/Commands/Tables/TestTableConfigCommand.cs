using System.Management.Automation;
using EtlTools.Core.Tables.Analysis;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsDiagnostic.Test, "TableConfig")]
[OutputType(typeof(TableConfigTest), typeof(bool))]
public sealed class TestTableConfigCommand : EtlSourceCmdlet
{
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    protected override void Process()
    {
        var path = TableConfigPath;
        var tester = new TableConfigTester(OpenSource());
        var test = Await(token => tester.TestAsync(path, token));
        WriteObject(Quiet ? test.IsValid : test);
    }
}
