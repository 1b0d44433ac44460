# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cannery_global_optspecs
    string join \n color= q/quiet h/help V/version
end

function __fish_cannery_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cannery_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cannery_using_subcommand
    set -l cmd (__fish_cannery_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cannery -n "__fish_cannery_needs_command" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_needs_command" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_needs_command" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_needs_command" -s V -l version -d 'Print version'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "inspect" -d 'Say what is inside files: kinds, lengths, types, sizes'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "cat" -d 'Print the values of files, rows one to a line'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "head" -d 'Print the first rows, items or entries of files'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "convert" -d 'Convert a file to another format'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "map-chunks" -d 'Call a Python function with each chunk of a file of rows, and write what it returns'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "diff" -d 'Compare two versions of artifacts, the tensors of two files, or two messages of Protobuf'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "fmt" -d 'Lay out files in JSON and YAML: blanks, indentation, lines'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "validate" -d 'Find all that is wrong with files'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "scan" -d 'Say what opening files would do, from their bytes alone'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "run" -d 'Run a pipeline of a Python file'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "runs" -d 'List runs, or show the steps of one'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "artifacts" -d 'List what pipelines have made'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "lineage" -d 'Show what an artifact was made from'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "compare" -d 'Say what differs between two runs'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "tag" -d 'Call a run by tags, or take them away'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "alias" -d 'Give a version of an artifact a name of its own, or list these names'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "why" -d 'Say why a step of a run ran, or did not'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "logs" -d 'Print what a step of a run has printed'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "fsck" -d 'Check a store or an HDF5 file, and repair what can be repaired'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "gc" -d 'Remove what nothing reaches from a store'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "store" -d 'Copy a store, verify it, or say how much it holds'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "man" -d 'Print a manual page, for `man -l -`'
complete -c cannery -n "__fish_cannery_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -l from -d 'Format of the files, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -l json -d 'Print one JSON document per file'
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l from -d 'Format of the files, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l to -d 'Format to print, instead of JSON' -r
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l path -d 'Only the part at this path: `$.a[3].b`, `$.a[-1]`, of each item `$.a[*].b`, of some `$.a[2:5]`' -r
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand cat" -s n -l lines -d 'No more than this number of rows, items or entries' -r
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l tagged -d 'Keep types that the target lacks, in the tagged form; read it in the source'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l rows -d 'Take a single document for rows, where a format has both'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l json -d 'Print one JSON document per file, without line breaks inside'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -l nan -d 'Print NaN and infinities as Python writes them, instead of null: no other program reads that'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand cat" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand head" -l from -d 'Format of the files, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand head" -l to -d 'Format to print, instead of JSON' -r
complete -c cannery -n "__fish_cannery_using_subcommand head" -l path -d 'Only the part at this path: `$.a[3].b`, `$.a[-1]`, of each item `$.a[*].b`, of some `$.a[2:5]`' -r
complete -c cannery -n "__fish_cannery_using_subcommand head" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand head" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand head" -s n -l lines -d 'How many' -r
complete -c cannery -n "__fish_cannery_using_subcommand head" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand head" -l tagged -d 'Keep types that the target lacks, in the tagged form; read it in the source'
complete -c cannery -n "__fish_cannery_using_subcommand head" -l rows -d 'Take a single document for rows, where a format has both'
complete -c cannery -n "__fish_cannery_using_subcommand head" -l json -d 'Print one JSON document per file, without line breaks inside'
complete -c cannery -n "__fish_cannery_using_subcommand head" -l nan -d 'Print NaN and infinities as Python writes them, instead of null: no other program reads that'
complete -c cannery -n "__fish_cannery_using_subcommand head" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand head" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l from -d 'Format of SOURCE, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l to -d 'Format of TARGET, where its name does not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l path -d 'Only the part at this path: `$.a[3].b`, `$.a[-1]`, of each item `$.a[*].b`, of some `$.a[2:5]`' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l indent -d 'Lay text out in lines, indented by this number of blanks' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l dtype -d 'Type that floats of tensors become, such as `float16` or `bfloat16`' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l include -d 'Only tensors of this name; `*` stands for any characters, `?` for one, `[0-9]` for one of these' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l shard-size -d 'Divide safetensors over files of this many bytes at most: 5GB, 512MiB' -r
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l tagged -d 'Keep types that the target lacks, in the tagged form; read it in the source'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l rows -d 'Take a single document for rows, where a format has both'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l nan -d 'Read and write NaN and Infinity where a format has none'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l lossy -d 'Write what the target lacks as the nearest that it has, or leave it out, and list what was lost'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -l json -d 'Print what was done as JSON'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand convert" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l rows -d 'Rows of a chunk, at most' -r
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l bytes -d 'Bytes of the source that a chunk takes, about' -r
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l workers -d 'Processes that call the function; 0 for this one [default: one for each processor]' -r
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l restart -d 'Begin anew, and forget what an interrupted run has done'
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -l json -d 'Print what was done as JSON'
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand map-chunks" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l atol -d 'Difference of two values that is tolerated' -r
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l rtol -d 'Difference that is tolerated, in proportion to the value in SECOND' -r
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand diff" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand diff" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand diff" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l from -d 'Format of the files, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l indent -d 'Blanks for each level [default: 2, for YAML as the file has it]' -r
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l width -d 'Columns that lists and maps of JSON may reach on one line' -r
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l check -d 'Change nothing; say which files are not laid out so'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l diff -d 'Change nothing; show what would change'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l sort-keys -d 'Put keys of JSON in order'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -l json -d 'Print what was found as JSON'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand fmt" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l from -d 'Format of the files, where content and name do not tell' -r
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l schema -d 'Schema of a Protobuf file: a `.proto` file or a descriptor set' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l message -d 'Message of the schema that the file is: `shop.Order`' -r
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l nan -d 'Accept NaN and Infinity where a format has none'
complete -c cannery -n "__fish_cannery_using_subcommand validate" -l json -d 'Print what was found as JSON'
complete -c cannery -n "__fish_cannery_using_subcommand validate" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand validate" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand scan" -l format -d 'How the findings are printed' -r -f -a "text\t'A line to a file, and one to each further finding'
json\t'One JSON document'
sarif\t'SARIF 2.1.0, for code hosts'"
complete -c cannery -n "__fish_cannery_using_subcommand scan" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand scan" -l json -d 'Print one JSON document, as `--format json` does'
complete -c cannery -n "__fish_cannery_using_subcommand scan" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cannery -n "__fish_cannery_using_subcommand run" -s p -l param -d 'A parameter of the pipeline' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l params -d 'A file of parameters: YAML, JSON or any other format that holds a map' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand run" -l force -d 'Run this step although its result is known; without a name, all of them' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l ttl -d 'Use no result that is older: 30d, 12h, 45m, 90s' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l workers -d 'How many steps run at a time' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l executor -d 'Where steps run: in `threads` of this process, or in `processes` of their own' -r -f -a "threads\t''
processes\t''"
complete -c cannery -n "__fish_cannery_using_subcommand run" -l tag -d 'Call the run by this, to find it again' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l partition -d 'Parameters whose values say which partition the run\'s artifacts are' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l resume -d 'Take up a run that did not complete, with its parameters; without a number, the last one' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l backfill -d 'A run for each of a parameter\'s values: days (2026-11-01..2026-11-30), months (2026-01..2026-12), numbers (1..5), or values with commas between them' -r
complete -c cannery -n "__fish_cannery_using_subcommand run" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand run" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand run" -l no-cache -d 'Use no known result'
complete -c cannery -n "__fish_cannery_using_subcommand run" -l keep-going -d 'After a step has failed, run those that do not need it'
complete -c cannery -n "__fish_cannery_using_subcommand run" -l dry-run -d 'Run nothing; say which steps would run'
complete -c cannery -n "__fish_cannery_using_subcommand run" -l json -d 'Print the run as JSON'
complete -c cannery -n "__fish_cannery_using_subcommand run" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand run" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l pipeline -d 'Only runs of this pipeline' -r
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l status -d 'Only runs that are running, completed, failed, interrupted or crashed' -r
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l tag -d 'Only runs with this tag' -r
complete -c cannery -n "__fish_cannery_using_subcommand runs" -s n -l limit -d 'No more than this number, the newest' -r
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand runs" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand runs" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand runs" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l run -d 'Only what came out of this run' -r
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l partition -d 'The latest version of each partition, or of this one' -r
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -s n -l limit -d 'No more than this number, the newest' -r
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l all -d 'All versions, not only the latest'
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand artifacts" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l run -d 'The steps of this run, instead of an artifact' -r
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l format -d 'How it is printed: as a `tree`, a picture (`svg`), for `mermaid`, or as `openlineage` events' -r -f -a "tree\t'A tree of lines'
svg\t'A picture'
mermaid\t'A flowchart of Mermaid'
openlineage\t'Events of OpenLineage, one JSON document to a line'"
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l namespace -d 'What events tell jobs and artifacts of this store apart by; by default its folder' -r
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l down -d 'Show what was made from it instead'
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l both -d 'Show what it was made from, and what was made from it'
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand lineage" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand compare" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand compare" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand compare" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand compare" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand compare" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand tag" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand tag" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand tag" -l remove -d 'Take these tags away'
complete -c cannery -n "__fish_cannery_using_subcommand tag" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand tag" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand tag" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand alias" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand alias" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand alias" -l remove -d 'Take the alias away from the artifact'
complete -c cannery -n "__fish_cannery_using_subcommand alias" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand alias" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand alias" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand why" -l against -d 'Compare it with the step of this run, instead of with the last one that ran before' -r
complete -c cannery -n "__fish_cannery_using_subcommand why" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand why" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand why" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand why" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand why" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand logs" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand logs" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand logs" -l last -d 'Of the last run that has the step'
complete -c cannery -n "__fish_cannery_using_subcommand logs" -s f -l follow -d 'Print what comes until the step, or the run, has ended'
complete -c cannery -n "__fish_cannery_using_subcommand logs" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand logs" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand logs" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -l repair -d 'Repair a store: what is damaged is moved to `damaged/`; or write all that is whole of a file to the new file OUT' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -l read-data -d 'Read every byte of a store, not only names and sizes'
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand fsck" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l keep-last -d 'Keep the newest COUNT completed runs of each pipeline, and remove older ones' -r
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l older-than -d 'Remove runs that ended longer ago: 30d, 12h, 45m, 90s' -r
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l grace -d 'How old what is removed must be at least' -r
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l dry-run -d 'Only say what would be removed'
complete -c cannery -n "__fish_cannery_using_subcommand gc" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand gc" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand gc" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -f -a "copy" -d 'Copy a store to another folder, proving every byte'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -f -a "verify" -d 'Read every byte of a store and say what is damaged'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -f -a "size" -d 'Say how much a store holds, and what of'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -f -a "quota" -d 'Say how much a store may hold, or set it'
complete -c cannery -n "__fish_cannery_using_subcommand store; and not __fish_seen_subcommand_from copy verify size quota help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from copy" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from copy" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from copy" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from copy" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from copy" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from verify" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from verify" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from size" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from size" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from size" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from size" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from size" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from quota" -l store -d 'The store\'s folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from quota" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from quota" -l json -d 'Print JSON'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from quota" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from quota" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "copy" -d 'Copy a store to another folder, proving every byte'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Read every byte of a store and say what is damaged'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "size" -d 'Say how much a store holds, and what of'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "quota" -d 'Say how much a store may hold, or set it'
complete -c cannery -n "__fish_cannery_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cannery -n "__fish_cannery_using_subcommand completions" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand completions" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand completions" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand man" -l out -d 'Write all pages into this folder instead' -r -F
complete -c cannery -n "__fish_cannery_using_subcommand man" -l color -d 'When results and messages have colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c cannery -n "__fish_cannery_using_subcommand man" -s q -l quiet -d 'Write results and errors only: no progress, no summaries, and of a scan only findings'
complete -c cannery -n "__fish_cannery_using_subcommand man" -s h -l help -d 'Print help'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "inspect" -d 'Say what is inside files: kinds, lengths, types, sizes'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "cat" -d 'Print the values of files, rows one to a line'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "head" -d 'Print the first rows, items or entries of files'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "convert" -d 'Convert a file to another format'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "map-chunks" -d 'Call a Python function with each chunk of a file of rows, and write what it returns'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "diff" -d 'Compare two versions of artifacts, the tensors of two files, or two messages of Protobuf'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "fmt" -d 'Lay out files in JSON and YAML: blanks, indentation, lines'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "validate" -d 'Find all that is wrong with files'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "scan" -d 'Say what opening files would do, from their bytes alone'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "run" -d 'Run a pipeline of a Python file'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "runs" -d 'List runs, or show the steps of one'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "artifacts" -d 'List what pipelines have made'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "lineage" -d 'Show what an artifact was made from'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "compare" -d 'Say what differs between two runs'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "tag" -d 'Call a run by tags, or take them away'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "alias" -d 'Give a version of an artifact a name of its own, or list these names'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "why" -d 'Say why a step of a run ran, or did not'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "logs" -d 'Print what a step of a run has printed'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "fsck" -d 'Check a store or an HDF5 file, and repair what can be repaired'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "gc" -d 'Remove what nothing reaches from a store'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "store" -d 'Copy a store, verify it, or say how much it holds'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "man" -d 'Print a manual page, for `man -l -`'
complete -c cannery -n "__fish_cannery_using_subcommand help; and not __fish_seen_subcommand_from inspect cat head convert map-chunks diff fmt validate scan run runs artifacts lineage compare tag alias why logs fsck gc store completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cannery -n "__fish_cannery_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "copy" -d 'Copy a store to another folder, proving every byte'
complete -c cannery -n "__fish_cannery_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "verify" -d 'Read every byte of a store and say what is damaged'
complete -c cannery -n "__fish_cannery_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "size" -d 'Say how much a store holds, and what of'
complete -c cannery -n "__fish_cannery_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "quota" -d 'Say how much a store may hold, or set it'
