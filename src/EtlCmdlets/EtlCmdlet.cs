using System.Management.Automation;
using EtlTools.Core;

namespace EtlTools.Cmdlets;

/// <summary>
/// What every command shares: work off the pipeline thread, an end within two seconds of Ctrl+C, and errors with a
/// stable id and a next step. Commands override Begin, Process and End, and let exceptions pass.
/// </summary>
public abstract class EtlCmdlet : PSCmdlet, IDisposable
{
    // Messages so tagged are shown though $InformationPreference is SilentlyContinue.
    private const string HostTag = "PSHOST";

    private readonly CancellationTokenSource _stop = new();
    private MessagePump? _pump;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
        }
    }

    protected sealed override void BeginProcessing() => Guard(Begin, isOneOfMany: false);

    protected sealed override void ProcessRecord() => Guard(Process, isOneOfMany: true);

    protected sealed override void EndProcessing() => Guard(End, isOneOfMany: false);

    protected sealed override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command ended in the same moment.
        }
    }

    protected virtual void Begin()
    {
    }

    /// <summary>Handles one record. Its failure is reported, and the next record is handled.</summary>
    protected virtual void Process()
    {
    }

    protected virtual void End()
    {
    }

    /// <summary>True where going on after a failed record would do harm.</summary>
    protected virtual bool StopsAtFirstFailure => false;

    /// <summary>True where the command stands after a pipe and nothing has come through it: it must then do nothing.</summary>
    protected bool ReadsPipeline => MyInvocation.ExpectingInput;

    /// <summary>The session's folder, where etl.yaml is looked for. The process has one of its own, which cd does not change.</summary>
    protected string Folder => SessionState.Path.CurrentFileSystemLocation.ProviderPath;

    /// <summary>Runs the engine's work and returns its result.</summary>
    protected T Await<T>(Func<CancellationToken, Task<T>> work)
    {
        var pump = new MessagePump();
        _pump = pump;
        try
        {
            return pump.Run(work, _stop.Token);
        }
        finally
        {
            _pump = null;
        }
    }

    /// <summary>Writes each object as it comes and returns how many there were.</summary>
    protected int Stream<T>(Func<CancellationToken, IAsyncEnumerable<T>> source) =>
        Await(async token =>
        {
            var count = 0;
            await foreach (var item in source(token).WithCancellation(token).ConfigureAwait(false))
            {
                OnPipeline(() => WriteObject(item));
                count++;
            }

            return count;
        });

    /// <summary>Has an action done on the pipeline thread; for the callbacks of work that <see cref="Await"/> runs.</summary>
    protected void OnPipeline(Action action) => _pump?.Post(action);

    /// <summary>
    /// Asks ShouldProcess. False with <paramref name="isPreview"/> set means -WhatIf: the command writes its plan.
    /// </summary>
    protected bool Confirmed(string action, string target, out bool isPreview)
    {
        var reason = ShouldProcessReason.None;
        var confirmed = Ask(() => ShouldProcess($"{action}: {target}", $"{action}: {target}?", MyInvocation.MyCommand.Name, out reason));
        isPreview = reason == ShouldProcessReason.WhatIf;
        return confirmed;
    }

    /// <summary>
    /// Asks again, with No as the default answer, about what cannot be brought back. -Confirm:$false is the admin's word for
    /// this question too, and so is -Force, which the command looks at itself.
    /// </summary>
    protected bool ConfirmedForGood(string question, string caption)
    {
        if (MyInvocation.BoundParameters.TryGetValue("Confirm", out var confirm) && confirm is SwitchParameter { IsPresent: false })
        {
            return true;
        }

        bool yesToAll = false, noToAll = false;
        return Ask(() => ShouldContinue(question, caption, hasSecurityImpact: true, ref yesToAll, ref noToAll));
    }

    /// <summary>Nothing to work on: right after a pipe through which nothing came, otherwise a mistake.</summary>
    protected void RequireInput(string parameter)
    {
        if (!ReadsPipeline)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "InputMissing",
                $"{MyInvocation.MyCommand.Name} was given nothing to work on.",
                MyInvocation.MyCommand.Name,
                $"Pass -{parameter}, or pipe objects to it.");
        }
    }

    /// <summary>News that nobody asked for and everybody wants to read: shown as Write-Host shows it, in the information stream.</summary>
    protected void Tell(string message) =>
        WriteInformation(new HostInformationMessage { Message = message }, [HostTag]);

    /// <summary>Reports a failure and goes on.</summary>
    protected void WriteFailure(EtlException failure) => WriteError(ToErrorRecord(failure));

    // Where nobody can answer, each host fails in its own way: some even with a NullReferenceException.
    private bool Ask(Func<bool> question)
    {
        try
        {
            return question();
        }
        catch (Exception exception) when (exception is not PipelineStoppedException)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "ConfirmationNeeded",
                $"{MyInvocation.MyCommand.Name} needs confirmation, and nobody can answer here; nothing was changed.",
                MyInvocation.MyCommand.Name,
                "Add -Confirm:$false to say yes beforehand; -WhatIf shows what the command would do.",
                inner: exception);
        }
    }

    // What one record can do nothing about would fail for every other record too: it ends the command.
    private static bool ConcernsAllRecords(EtlErrorKind kind) =>
        kind is EtlErrorKind.Connection or EtlErrorKind.Permission or EtlErrorKind.Configuration or EtlErrorKind.Schema;

    private static ErrorCategory CategoryOf(EtlErrorKind kind) => kind switch
    {
        EtlErrorKind.InvalidInput => ErrorCategory.InvalidArgument,
        EtlErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        EtlErrorKind.Conflict => ErrorCategory.InvalidOperation,
        EtlErrorKind.Busy => ErrorCategory.ResourceBusy,
        EtlErrorKind.Permission => ErrorCategory.PermissionDenied,
        EtlErrorKind.Connection => ErrorCategory.ConnectionError,
        EtlErrorKind.Configuration => ErrorCategory.InvalidData,
        EtlErrorKind.Schema => ErrorCategory.MetadataError,
        EtlErrorKind.Source => ErrorCategory.ResourceUnavailable,
        EtlErrorKind.Data => ErrorCategory.InvalidData,
        EtlErrorKind.Resource => ErrorCategory.LimitsExceeded,
        _ => ErrorCategory.NotSpecified,
    };

    private void Guard(Action step, bool isOneOfMany)
    {
        try
        {
            step();
        }
        catch (EtlException failure) when (isOneOfMany && !StopsAtFirstFailure && !ConcernsAllRecords(failure.Kind))
        {
            WriteDebug(Trace(failure));
            WriteFailure(failure);
        }
        catch (EtlException failure)
        {
            WriteDebug(Trace(failure));
            ThrowTerminatingError(ToErrorRecord(failure));
        }
        catch (Exception defect) when (defect.GetType().Assembly != typeof(PSCmdlet).Assembly)
        {
            WriteDebug(Trace(defect));
            ThrowTerminatingError(ToErrorRecord(new EtlException(
                (EtlErrorKind)(-1),
                "InternalError",
                $"{MyInvocation.MyCommand.Name} met an error that it does not know ({defect.GetType().FullName}).",
                MyInvocation.MyCommand.Name,
                "This is a defect of EtlTools: run the command again with -Debug and report what it writes.")));
        }
    }

    // The inner exception stays behind: the database's own messages can quote data, and an ErrorRecord goes to logs.
    private ErrorRecord ToErrorRecord(EtlException failure)
    {
        var shown = new EtlException(
            failure.Kind, failure.ErrorId, failure.Message, failure.Target, failure.NextStep, failure.IsTransient);
        var target = string.IsNullOrEmpty(failure.Target) ? MyInvocation.MyCommand.Name : failure.Target;
        var (message, nextStep) = (failure.Message, failure.NextStep);
        if (message.Split('\n') is { Length: > 1 } lines)
        {
            // PowerShell's error view runs the lines of a message together, those of a recommendation it leaves alone.
            message = $"{lines[0]} (and {lines.Length - 1} more, below)";
            nextStep = string.Join("\n    ", [failure.NextStep, .. lines[1..]]);
        }

        return new ErrorRecord(shown, failure.ErrorId, CategoryOf(failure.Kind), target)
        {
            ErrorDetails = new ErrorDetails(message) { RecommendedAction = nextStep },
        };
    }

    // Types and places only: a message can quote data.
    private static string Trace(Exception? exception)
    {
        var lines = new List<string>();
        for (; exception is not null; exception = exception.InnerException)
        {
            lines.Add(exception.GetType().FullName + Environment.NewLine + exception.StackTrace);
        }

        return string.Join(Environment.NewLine, lines);
    }
}
