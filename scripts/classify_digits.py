"""Images and traces in Python: which digit is it? Names are those of the YAML keys."""

from functools import partial

import pytorch_lightning as pl

from dlkit.data.augment import Affine
from dlkit.data.sample_modules import ImageDataModule
from dlkit.data.sources.digits import Digits
from dlkit.models.resnet import ResNet
from dlkit.tasks.classify import Classify

pl.seed_everything(0)
data = ImageDataModule(source=Digits(), augment=[Affine(degrees=5.0, scale=0.05, translate=0.06)], eval_batch_size=512)
task = Classify(spec=data.spec, net=partial(ResNet, width=32, blocks=(2, 2)))
trainer = pl.Trainer(max_epochs=10, logger=False, enable_checkpointing=False)
trainer.fit(task, datamodule=data)
trainer.test(task, datamodule=data)
batch = data.pick_batch("test", wanted=5)
answer = task.eval().predict_step(batch, 0)
for number, probabilities in zip(answer.start.tolist(), answer.probabilities, strict=True):
    print(f"{data.prepared.samples.names[number]}: {probabilities.argmax()} with {probabilities.max():.1%}")
