//! Which step may run when; knows nothing of threads, stores and bodies.

use std::collections::{BTreeSet, HashMap};

use cannery_store::ArtifactId;

use crate::{Input, RunError, StepCall, StepOutcome};

/// The steps of a run and how far they are.
#[derive(Default)]
pub(crate) struct Schedule {
    steps: Vec<Step>,
    invocations: HashMap<String, u32>,
    ready: BTreeSet<usize>,
    running: BTreeSet<usize>,
    failure: Option<RunError>,
}

pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) invocation: u32,
    /// Body and inputs, until they are taken to be performed.
    call: Option<StepCall>,
    dependencies: BTreeSet<usize>,
    dependants: Vec<usize>,
    state: State,
}

enum State {
    /// For that many others to end, or ready when there are none.
    Waiting(usize),
    Running,
    Ended(StepResult),
    /// Something it needs has no result.
    Skipped(RunError),
}

/// What a skipped step would have got, by argument.
#[derive(Default)]
pub(crate) struct InputsOfSkipped {
    /// The artifacts that are there.
    pub(crate) there: Vec<(String, ArtifactId)>,
    /// The steps, by their names in the run, that gave none.
    pub(crate) missing: Vec<(String, String)>,
}

/// How a step ended.
pub(crate) type StepResult = Result<StepOutcome, RunError>;

impl Step {
    /// How it is called in its run.
    pub(crate) fn label(&self) -> String {
        cannery_store::step_label(&self.name, self.invocation)
    }
}

impl Schedule {
    /// Adds a step; all that it depends on must have been added before.
    pub(crate) fn add(&mut self, call: StepCall) -> usize {
        let index = self.steps.len();
        let dependencies = call.dependencies();
        let invocation = self.invocations.entry(call.name.clone()).or_default();
        *invocation += 1;
        let mut missing = 0;
        let mut failure = None;
        for &dependency in &dependencies {
            let step = &mut self.steps[dependency];
            match &step.state {
                State::Ended(Ok(_)) => {}
                State::Ended(Err(error)) | State::Skipped(error) => failure = Some(error.clone()),
                State::Waiting(_) | State::Running => {
                    step.dependants.push(index);
                    missing += 1;
                }
            }
        }
        let state = failure.map_or(State::Waiting(missing), State::Skipped);
        if matches!(state, State::Waiting(0)) {
            self.ready.insert(index);
        }
        let invocation = *invocation;
        let name = call.name.clone();
        let (call, dependants) = (Some(call), Vec::new());
        self.steps.push(Step { name, invocation, call, dependencies, dependants, state });
        index
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn step(&self, index: usize) -> &Step {
        &self.steps[index]
    }

    /// What a step is to do; it is given once.
    pub(crate) fn take_call(&mut self, index: usize) -> Option<StepCall> {
        self.steps[index].call.take()
    }

    /// How many steps could start now.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The steps that have begun and not ended.
    pub(crate) fn running(&self) -> &BTreeSet<usize> {
        &self.running
    }

    /// The first error of any step.
    pub(crate) fn failure(&self) -> Option<&RunError> {
        self.failure.as_ref()
    }

    /// Starts a step that is ready, the first submitted first.
    pub(crate) fn take_any(&mut self) -> Option<usize> {
        let index = self.ready.first().copied()?;
        Some(self.start(index))
    }

    /// Starts a step that is ready and that `goal` needs.
    pub(crate) fn take_for(&mut self, goal: usize) -> Option<usize> {
        let index = self.needed(goal).into_iter().find(|index| self.ready.contains(index))?;
        Some(self.start(index))
    }

    /// Takes a step's result and tells those that wait for it.
    pub(crate) fn end(&mut self, index: usize, result: StepResult) {
        self.running.remove(&index);
        let dependants = std::mem::take(&mut self.steps[index].dependants);
        if let Err(error) = &result {
            self.failure.get_or_insert_with(|| error.clone());
            for dependant in dependants {
                self.skip(dependant, error);
            }
        } else {
            for dependant in dependants {
                self.count_down(dependant);
            }
        }
        self.steps[index].state = State::Ended(result);
    }

    /// How a step ended; nothing while it has not.
    pub(crate) fn result(&self, index: usize) -> Option<StepResult> {
        match &self.steps[index].state {
            State::Waiting(_) | State::Running => None,
            State::Ended(result) => Some(result.clone()),
            State::Skipped(error) => Some(Err(error.clone())),
        }
    }

    /// What a skipped step would have got: the artifacts that are there, by argument, and the
    /// steps that gave none.
    pub(crate) fn inputs_of_skipped(&self, index: usize) -> InputsOfSkipped {
        let mut found = InputsOfSkipped::default();
        let call = self.steps[index].call.as_ref();
        for (argument, input) in call.map(|call| call.inputs.as_slice()).unwrap_or_default() {
            let Input::Output { step, output } = input else {
                if let Input::Stored(artifact) = input {
                    found.there.push((argument.clone(), artifact.id));
                }
                continue;
            };
            let source = &self.steps[step.0];
            let artifact = match &source.state {
                State::Ended(Ok(outcome)) => outcome.output(output),
                _ => None,
            };
            match artifact {
                Some(artifact) => found.there.push((argument.clone(), artifact.id)),
                None => found.missing.push((argument.clone(), source.label())),
            }
        }
        found
    }

    /// Lets go of what the steps were made of, and of the exceptions of a host: nothing of a run
    /// that has ended survives but what is recorded, and the texts of its errors.
    ///
    /// Returns it all, for it may run a host's code when it goes.
    pub(crate) fn release(&mut self) -> Vec<Box<dyn Send>> {
        let mut released: Vec<Box<dyn Send>> = Vec::new();
        for step in &mut self.steps {
            released.extend(step.call.take().map(|call| Box::new(call) as _));
            if let State::Ended(Err(error)) | State::Skipped(error) = &mut step.state {
                let text = error.without_source();
                released.push(Box::new(std::mem::replace(error, text)));
            }
        }
        if let Some(error) = &mut self.failure {
            let text = error.without_source();
            released.push(Box::new(std::mem::replace(error, text)));
        }
        released
    }

    /// Skips all steps that have not begun.
    pub(crate) fn skip_rest(&mut self, error: &RunError) {
        for index in 0..self.steps.len() {
            self.skip(index, error);
        }
    }

    /// The steps that will never begin.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = usize> {
        let is_skipped = |index: &usize| matches!(self.steps[*index].state, State::Skipped(_));
        (0..self.steps.len()).filter(is_skipped)
    }

    fn start(&mut self, index: usize) -> usize {
        self.ready.remove(&index);
        self.running.insert(index);
        self.steps[index].state = State::Running;
        index
    }

    fn count_down(&mut self, index: usize) {
        if let State::Waiting(missing) = &mut self.steps[index].state {
            *missing -= 1;
            if *missing == 0 {
                self.ready.insert(index);
            }
        }
    }

    fn skip(&mut self, first: usize, error: &RunError) {
        let mut to_skip = vec![first];
        while let Some(index) = to_skip.pop() {
            let step = &mut self.steps[index];
            if matches!(step.state, State::Waiting(_)) {
                step.state = State::Skipped(error.clone());
                to_skip.append(&mut step.dependants);
                self.ready.remove(&index);
            }
        }
    }

    /// `goal` and the unfinished steps it depends on, the first submitted first.
    fn needed(&self, goal: usize) -> BTreeSet<usize> {
        let mut needed = BTreeSet::new();
        let mut to_visit = vec![goal];
        while let Some(index) = to_visit.pop() {
            let step = &self.steps[index];
            if matches!(step.state, State::Waiting(_)) && needed.insert(index) {
                to_visit.extend(&step.dependencies);
            }
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Error, ErrorKind, FnStep, Outputs, StepRef};

    fn schedule(dependencies: &[&[usize]]) -> Schedule {
        let mut schedule = Schedule::default();
        for of_one in dependencies {
            let call = StepCall::new("step", FnStep::new("", |_| Ok(Outputs::new())));
            let call =
                of_one.iter().fold(call, |call, &on| call.input(on.to_string(), StepRef(on)));
            schedule.add(call);
        }
        schedule
    }

    fn outcome() -> StepOutcome {
        StepOutcome::default()
    }

    fn failure() -> RunError {
        RunError::in_step("step".into(), Error::new(ErrorKind::Host, "boom"))
    }

    #[test]
    fn a_diamond_runs_in_order() {
        let mut schedule = schedule(&[&[], &[0], &[0], &[1, 2]]);
        assert_eq!((schedule.take_any(), schedule.take_any()), (Some(0), None));
        schedule.end(0, Ok(outcome()));
        assert_eq!((schedule.take_any(), schedule.take_any()), (Some(1), Some(2)));
        schedule.end(2, Ok(outcome()));
        assert_eq!((schedule.ready(), schedule.take_any()), (0, None));
        schedule.end(1, Ok(outcome()));
        assert_eq!(schedule.take_any(), Some(3));
    }

    #[test]
    fn only_what_the_goal_needs_is_taken_for_it() {
        let mut schedule = schedule(&[&[], &[], &[1]]);
        assert_eq!(schedule.take_for(2), Some(1));
        assert_eq!(schedule.take_for(2), None, "step 0 is ready, but not needed");
        assert_eq!(schedule.take_any(), Some(0));
    }

    #[test]
    fn a_failure_skips_all_that_depends_on_it() {
        let mut schedule = schedule(&[&[], &[0], &[1], &[]]);
        schedule.take_any();
        schedule.end(0, Err(failure()));
        assert_eq!(schedule.skipped().collect::<Vec<_>>(), [1, 2]);
        assert!(schedule.result(2).unwrap().is_err());
        assert_eq!(schedule.take_any(), Some(3), "it depends on nothing");
    }

    #[test]
    fn what_is_added_late_knows_what_ended_before() {
        let mut schedule = schedule(&[&[], &[]]);
        schedule.take_any();
        schedule.end(0, Ok(outcome()));
        schedule.take_any();
        schedule.end(1, Err(failure()));
        let late = |on| {
            StepCall::new("late", FnStep::new("", |_| Ok(Outputs::new()))).input("x", StepRef(on))
        };
        let fine = schedule.add(late(0));
        let lost = schedule.add(late(1));
        assert_eq!((schedule.take_for(fine), schedule.take_for(lost)), (Some(fine), None));
        assert_eq!(schedule.step(lost).invocation, 2);
    }

    proptest! {
        #[test]
        fn every_step_runs_once_and_after_all_it_needs(
            wishes in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..20),
            choices in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 200),
            unlucky in prop::option::of(0_usize..20),
        ) {
            let needs: Vec<Vec<usize>> = wishes.iter().enumerate().map(|(i, wishes)| {
                let earlier = wishes.iter().filter(|_| i > 0).map(|wish| wish.index(i));
                earlier.collect::<BTreeSet<_>>().into_iter().collect()
            }).collect();
            let mut schedule = schedule(&needs.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let (mut running, mut done, mut failed) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
            let mut choices = choices.into_iter().cycle();
            loop {
                let (start, which) = choices.next().unwrap();
                let taken = if start || running.is_empty() { schedule.take_any() } else { None };
                if let Some(index) = taken {
                    prop_assert!(needs[index].iter().all(|need| done.contains(need)));
                    running.push(index);
                } else if running.is_empty() {
                    break;
                } else {
                    let index = running.swap_remove(which.index(running.len()));
                    let fails = unlucky == Some(index);
                    schedule.end(index, if fails { Err(failure()) } else { Ok(outcome()) });
                    let ended = if fails { &mut failed } else { &mut done };
                    prop_assert!(ended.insert(index));
                }
            }
            let skipped: BTreeSet<_> = schedule.skipped().collect();
            for (index, needs) in needs.iter().enumerate() {
                let is_lost = needs.iter().any(|need| failed.contains(need) || skipped.contains(need));
                prop_assert_eq!(skipped.contains(&index), is_lost);
                prop_assert!(is_lost || done.contains(&index) || failed.contains(&index));
            }
        }
    }
}
