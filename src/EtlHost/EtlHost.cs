using System.CommandLine;
using EtlTools.Core;
using EtlTools.Host.Commands;
using EtlTools.Host.Output;

namespace EtlTools.Host;

/// <summary>The etl executable: the engine without PowerShell, for services, containers and schedulers.</summary>
internal static class EtlHost
{
    public static async Task<int> RunAsync(string[] args)
    {
        using var interruption = new Interruption();
        return await RunAsync(args, interruption.Token).ConfigureAwait(false);
    }

    public static async Task<int> RunAsync(IReadOnlyList<string> args, CancellationToken cancellationToken)
    {
        var command = Root().Parse(args);
        if (command.Errors.Count > 0)
        {
            return Refuse(command);
        }

        try
        {
            var settings = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await command.InvokeAsync(settings, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Failures.Write("Cancelled", "Cancelled; nothing was left half-done.", "Run the same command again to go on.");
            return ExitCode.Cancelled;
        }
        catch (EtlException failure)
        {
            Failures.Write(failure);
            return ExitCode.Error;
        }
        catch (Exception defect)
        {
            Failures.WriteDefect(defect);
            return ExitCode.Error;
        }
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Loads vendor files into PostgreSQL, finds what went wrong, puts it right and takes it back.")
        {
            InitCommand.Create(),
            PlanCommand.Create(),
            LoadCommand.Create(),
            ReprocessCommand.Create(),
            UndoCommand.Create(),
            RunsCommand.Create(),
            FailedCommand.Create(),
            RejectedCommand.Create(),
            MetricsCommand.Create(),
            VerifyCommand.Create(),
            AuditCommand.Create(),
            RecoverCommand.Create(),
            DemoCommand.Create(),
        };
        SharedOptions.AddTo(root);
        return root;
    }

    private static int Refuse(ParseResult command)
    {
        var name = command.CommandResult.Command is RootCommand ? "etl" : $"etl {command.CommandResult.Command.Name}";
        foreach (var error in command.Errors)
        {
            Failures.Write("UsageInvalid", error.Message, $"See {name} --help.");
        }

        return ExitCode.Error;
    }
}
